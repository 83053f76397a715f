// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/token_card.h"

#include <QApplication>
#include <QClipboard>
#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QtTest>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/models/token_text.h"
#include "ui/views/inspect/ngram_grid.h"

using namespace mneme;

class TokenCardTest : public QObject {
  Q_OBJECT

  struct World {
    test::Chat chat = test::storyChat();
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    explicit World(bool withModel = true) {
      if (withModel) source.setModel(chat.model());
      source.setTiers(test::someTiers());
      trace.reset(chat.log, chat.parts);
    }
    int find(const char* text) const {
      for (int i = 0; i < trace.size(); ++i) {
        if (chat.vocabulary->at(static_cast<std::size_t>(trace.recordAt(i).token())) == text) {
          return i;
        }
      }
      return -1;
    }
  };

 private Q_SLOTS:
  void saysWhyItIsEmpty() {
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    TokenCard card(trace, selection, source);
    QVERIFY(!card.facts());
    QVERIFY(card.accessibleDescription().contains(QStringLiteral("No token")));
  }

  void rowsAreThoseOfTheHasher() {
    World world;
    const int index = world.find(" Great");
    QVERIFY(index > 0);
    const TokenFacts facts = factsOf(world.trace, world.source, index);
    QCOMPARE(facts.ngrams.size(), std::size_t{2});
    QCOMPARE(facts.ngrams[1].text, QStringLiteral("der the Great"));
    // The same rows from the whole sequence, as the command line computes them.
    std::vector<TokenId> tokens;
    for (int i = 0; i <= index; ++i) tokens.push_back(world.trace.recordAt(i).token());
    const NgramHasher& hasher = *world.source.model()->hasher;
    std::vector<NgramKey> keys(2);
    hasher.keys_at(tokens, tokens.size() - 1, keys);
    for (std::size_t o = 0; o < 2; ++o) {
      QVERIFY(facts.ngrams[o].known);
      QVERIFY(facts.ngrams[o].key == keys[o]);
      for (std::size_t slot = 0; slot < 2; ++slot) {
        std::vector<RowId> rows(8);
        hasher.rows(slot, keys[o], rows);
        QCOMPARE(facts.ngrams[o].layers[slot].rows, rows);
        QCOMPARE(facts.ngrams[o].layers[slot].mix, hasher.mix(slot, keys[o]));
        for (int head = 0; head < 8; ++head) {
          const RowFacts row =
              rowFacts(*world.source.model(), keys[o], static_cast<int>(slot), head);
          QCOMPARE(row.row, rows[static_cast<std::size_t>(head)]);
          QCOMPARE(hasher.mix(slot, keys[o]) % row.prime, row.remainder);
          QCOMPARE(row.fileOffset, 4096 + slot * (std::uint64_t{1} << 24) + row.row * 33);
          QCOMPARE(row.bytes, 33);
        }
      }
    }
  }

  void theStartOfTheSequenceReadsAsPad() {
    World world;
    const TokenFacts facts = factsOf(world.trace, world.source, 0);
    QVERIFY(facts.ngrams[1].known);
    QCOMPARE(facts.ngrams[1].key.classes[1], 2);
    QCOMPARE(facts.ngrams[1].folded.front(), QStringLiteral("pad"));
  }

  void aGapInTheRecordsHasNoRows() {
    World world;
    // The answer alone: what came before it was not recorded.
    world.trace.reset(world.chat.log, {world.chat.parts[1]});
    TokenFacts facts = factsOf(world.trace, world.source, 0);
    QVERIFY(!facts.ngrams[0].known);
    QVERIFY(!facts.whyNoRows.isEmpty());
    facts = factsOf(world.trace, world.source, 1);
    QVERIFY(facts.ngrams[0].known);
    QVERIFY(!facts.ngrams[1].known);
    facts = factsOf(world.trace, world.source, 2);
    QVERIFY(facts.ngrams[1].known);
  }

  void withoutTheModelThereAreNumbersOnly() {
    World world(false);
    const TokenFacts facts = factsOf(world.trace, world.source, 5);
    QCOMPARE(facts.text, QStringLiteral("#%1").arg(world.trace.recordAt(5).token()));
    QVERIFY(!facts.ngrams[0].known);
    QCOMPARE(facts.layers.size(), std::size_t{2});
    QVERIFY(!facts.whyNoRows.isEmpty());
  }

  void anotherModelsTokensAreNotReadWithThisOne() {
    World world;
    world.chat.parts[1].otherModel = true;
    world.trace.reset(world.chat.log, world.chat.parts);
    const int index = world.find(" Great");
    const TokenFacts facts = factsOf(world.trace, world.source, index);
    QVERIFY(facts.text.startsWith(QLatin1Char('#')));
    QVERIFY(!facts.ngrams[0].known);
  }

  void followsTheSelectionAndTheKeys() {
    World world;
    TokenCard card(world.trace, world.selection, world.source);
    card.resize(320, 700);
    card.show();
    const int index = world.find(" Great");
    world.selection.pin(world.trace.eventAt(index));
    QVERIFY(card.facts());
    QCOMPARE(card.facts()->index, index);
    world.selection.hover(world.trace.eventAt(index - 2));
    QCOMPARE(card.facts()->index, index - 2);
    world.selection.hover(std::nullopt);
    QCOMPARE(card.facts()->index, index);
    QTest::keyClick(&card, Qt::Key_Right);
    QCOMPARE(world.selection.pinned(), std::optional(world.trace.eventAt(index + 1)));
    QTest::keyClick(&card, Qt::Key_Left);
    QCOMPARE(card.facts()->index, index);
    QTest::keySequence(&card, QKeySequence::Copy);
    const QString copied = QApplication::clipboard()->text();
    QVERIFY2(copied.contains(QStringLiteral("Great")), qPrintable(copied));
    QVERIFY(copied.contains(QString::number(card.facts()->ngrams[1].layers[1].rows[7])));
    QTest::keyClick(&card, Qt::Key_Escape);
    QVERIFY(!world.selection.pinned());
    QVERIFY(!card.facts());
  }

  void promptProbabilitiesAreAskedFor() {
    World world;
    TokenCard card(world.trace, world.selection, world.source);
    card.show();
    QSignalSpy asked(&card, &TokenCard::promptProbabilitiesRequested);
    world.selection.pin(world.trace.eventAt(4));
    auto* button = card.findChild<QPushButton*>(QStringLiteral("computeProbabilities"));
    QVERIFY(button && button->isVisible());
    QTest::mouseClick(button, Qt::LeftButton);
    QCOMPARE(asked.count(), 1);
    world.selection.pin(world.trace.eventAt(world.find(" Great")));
    QVERIFY(!button->isVisible());
  }

  void untrainedMemoryIsLabelled() {
    World world;
    TokenCard card(world.trace, world.selection, world.source);
    world.selection.pin(world.trace.eventAt(9));
    QVERIFY(!card.facts()->untrained);
    world.source.setModel(world.chat.model(false));
    QVERIFY(card.facts()->untrained);
    QVERIFY(card.asText().contains(QStringLiteral("untrained")));
  }

  void theWalkFollowsTheChosenCell() {
    World world;
    TokenCard card(world.trace, world.selection, world.source);
    card.show();
    world.selection.pin(world.trace.eventAt(world.find(" Great")));
    auto* grid = card.findChild<NgramGrid*>();
    QVERIFY(grid);
    QSignalSpy changed(grid, &NgramGrid::placeChanged);
    QTest::keyClick(grid, Qt::Key_Right);
    QTest::keyClick(grid, Qt::Key_Right);
    QTest::keyClick(grid, Qt::Key_Down);
    QCOMPARE(changed.count(), 3);
    QVERIFY((grid->place() == NgramGrid::Place{0, 1, 2}));
    QVERIFY2(grid->accessibleDescription().contains(QStringLiteral("layer 14, head 2")),
             qPrintable(grid->accessibleDescription()));
  }

  void ssdIsSaidOnlyOfDirectReads() {
    QVERIFY(tierName(Tier::ssd_late, StorageKind::direct).contains(QStringLiteral("SSD")));
    QVERIFY(!tierName(Tier::ssd_late, StorageKind::cached).contains(QStringLiteral("SSD")));
  }

  void pictures() {
    World world;
    World untrained;
    untrained.chat.shape = untrained.chat.modelShape = {2, 4, 3};
    untrained.chat.message(3, TokenSource::user, "Und vier Ströme? 四大发明");
    untrained.trace.reset(untrained.chat.log, {untrained.chat.parts[2]});
    untrained.source.setModel(untrained.chat.model(false));
    TierStats cached = test::someTiers();
    cached.storage = StorageKind::cached;
    untrained.source.setTiers(cached);
    world.selection.pin(world.trace.eventAt(world.find(" Great")));
    untrained.selection.pin(untrained.trace.eventAt(5));
    test::takePictures(QStringLiteral("card"), [&]() -> QWidget* {
      auto* card = new TokenCard(world.trace, world.selection, world.source);
      card->resize(310, 760);
      return card;
    });
    test::takePictures(QStringLiteral("card-prompt"), [&]() -> QWidget* {
      auto* card = new TokenCard(untrained.trace, untrained.selection, untrained.source);
      card->resize(310, 900);
      return card;
    });
  }
};

UI_TEST(TokenCardTest)
#include "token_card_test.moc"
