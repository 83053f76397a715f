// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/stall_dialog.h"

#include <QLabel>
#include <QPushButton>
#include <QSignalSpy>
#include <QTableWidget>
#include <QtTest>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/views/inspect/tiers_view.h"
#include "ui/views/inspect/token_card.h"

using namespace mneme;

namespace {

// A token with these waits and tiers, its n-grams in the order 2, 3.
void addStalled(test::Chat& chat, const std::string& text, std::uint32_t waitUs, Tier two,
                Tier three, bool sampled = true) {
  TraceRecordWriter writer;
  writer.begin(chat.shape);
  TraceHeader& header = writer.header();
  header.source = sampled ? TokenSource::assistant : TokenSource::user;
  header.sampled = sampled ? 1 : 0;
  header.position = chat.position++;
  header.token = chat.id(text);
  header.wait_us = waitUs;
  header.compute_us = 9000;
  for (int layer = 0; layer < chat.shape.layers; ++layer) {
    writer.set_layer(layer, std::vector{0.5F}, std::vector{0.1F});
    const bool first = layer == 0;
    writer.set_tier(layer, 0, first ? two : Tier::ram, two == Tier::ram || !first ? 0 : 300);
    writer.set_tier(layer, 1, first ? three : Tier::ssd_in_time, first ? 4100 : 120);
  }
  CHECK(chat.log->append(writer.finish()));
}

test::Chat stalledChat() {
  test::Chat chat;
  addStalled(chat, "The", 0, Tier::ram, Tier::ram, false);
  addStalled(chat, " king", 40, Tier::ssd_in_time, Tier::ssd_late, false);
  addStalled(chat, " of", 700, Tier::ram, Tier::ssd_late);
  addStalled(chat, " Great", 4200, Tier::ssd_late, Tier::ssd_late);
  addStalled(chat, " Rome", 900, Tier::ram, Tier::ram);  // others of its step
  chat.parts = {{.message = 1, .first = 0, .end = chat.log->size()}};
  return chat;
}

}  // namespace

class StallDialogTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void theLongestWaitsComeFirst() {
    const test::Chat chat = stalledChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    const auto stalls = longestStalls(trace, 20);
    QCOMPARE(stalls.size(), std::size_t{3});
    QCOMPARE(stalls[0].index, 3);
    QCOMPARE(stalls[0].waitUs, 4200u);
    QCOMPARE(stalls[0].late, 2);
    QCOMPARE(stalls[1].index, 2);
    QCOMPARE(stalls[2].index, 1);
    QCOMPARE(longestStalls(trace, 1).size(), std::size_t{1});
    QVERIFY(longestStalls(BranchTrace(), 5).empty());
  }

  void namesTheReadsThatWereWaitedFor() {
    const test::Chat chat = stalledChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    InspectSource source;
    source.setModel(chat.model());
    const TokenFacts facts = factsOf(trace, source, 3);
    const auto reads = readsOf(facts);
    QCOMPARE(reads.size(), std::size_t{3});  // what was in RAM is no read
    QCOMPARE(reads[0].text, QStringLiteral("king of Great"));
    QCOMPARE(reads[0].latencyUs, 4100u);
    QCOMPARE(reads[0].tier, Tier::ssd_late);
    QCOMPARE(reads[0].layer, QStringLiteral("layer 1"));
    QCOMPARE(reads[0].rows, facts.ngrams[1].layers[0].rows);
    QCOMPARE(reads[1].order, 2);
    QCOMPARE(reads[2].tier, Tier::ssd_in_time);
    const QString text = stallText(facts, StorageKind::direct);
    for (const char* part :
         {"waited 4.2 ms", "32 % of its step", "Layers had to wait for 2 n-grams of the 3 from SSD",
          "“king of Great” for layer 1, took 4.1 ms"}) {
      QVERIFY2(text.contains(QString::fromUtf8(part)), qPrintable(text));
    }
    QVERIFY(stallText(factsOf(trace, source, 1), StorageKind::direct)
                .contains(QStringLiteral("chunk of the prompt")));
    QVERIFY(stallText(factsOf(trace, source, 0), StorageKind::direct)
                .contains(QStringLiteral("waited for no rows")));
  }

  void followsTheSelectionAndLeadsIt() {
    const test::Chat chat = stalledChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    Selection selection;
    InspectSource source;
    source.setModel(chat.model());
    StallDialog dialog(trace, selection, source);
    dialog.show();
    QCOMPARE(selection.pinned(), std::optional(trace.eventAt(3)));  // nothing was pinned
    QCOMPARE(dialog.tokens()->rowCount(), 3);
    QCOMPARE(dialog.reads()->rowCount(), 3);
    QCOMPARE(dialog.reads()->item(0, 4)->text(), QStringLiteral("4.1 ms"));
    dialog.tokens()->setFocus();
    QTest::keyClick(dialog.tokens(), Qt::Key_Down);
    QCOMPARE(selection.pinned(), std::optional(trace.eventAt(2)));
    QCOMPARE(dialog.reads()->rowCount(), 2);
    selection.pin(trace.eventAt(0));  // in the chat: a token that is not in the list
    QVERIFY(dialog.text().contains(QStringLiteral("waited for no rows")));
    QCOMPARE(dialog.tokens()->currentRow(), -1);
    trace.reset(nullptr, {});
    QCOMPARE(dialog.tokens()->rowCount(), 0);
    const auto labels = dialog.findChildren<QLabel*>();
    QVERIFY(std::ranges::any_of(labels, [](const QLabel* label) {
      return label->isVisible() && label->text().contains(QStringLiteral("No token"));
    }));
  }

  void theCardOffersItWhereATokenWaited() {
    const test::Chat chat = stalledChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    Selection selection;
    InspectSource source;
    source.setModel(chat.model());
    TokenCard card(trace, selection, source);
    card.show();
    QSignalSpy asked(&card, &TokenCard::stallExplanationRequested);
    selection.pin(trace.eventAt(0));
    auto* button = card.findChild<QPushButton*>(QStringLiteral("explainStall"));
    QVERIFY(button != nullptr && !button->isVisible());
    selection.pin(trace.eventAt(3));
    QVERIFY(button->isVisible());
    QVERIFY(button->text().contains(QStringLiteral("4.2 ms")));
    button->click();
    QCOMPARE(asked.count(), 1);
  }

  void pictures() {
    const test::Chat chat = stalledChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    Selection selection;
    InspectSource source;
    source.setModel(chat.model());
    test::takePictures(QStringLiteral("stall"), [&]() -> QWidget* {
      auto* dialog = new StallDialog(trace, selection, source);
      dialog->show();
      return dialog;
    });
  }
};

UI_TEST(StallDialogTest)
#include "stall_dialog_test.moc"
