// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/hot_set_view.h"

#include <QComboBox>
#include <QHeaderView>
#include <QLabel>
#include <QSignalSpy>
#include <QTableWidget>
#include <QtTest>
#include <random>
#include <set>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/theme.h"
#include "ui/views/inspect/hot_set_actions.h"
#include "ui/views/inspect/hot_set_canvas.h"

using namespace mneme;

namespace {

using Keys = std::shared_ptr<std::vector<NgramKey>>;

// The model of a chat, with these n-grams in RAM.
std::shared_ptr<InspectModel> modelWith(const test::Chat& chat, Keys keys) {
  auto model = std::make_shared<InspectModel>(*chat.model());
  model->listRam = [keys](std::uint64_t first, std::span<NgramKey> out) {
    NgramSlice slice;
    std::uint64_t at = first;
    // Fewer than there is room for: a slice may be of any size.
    while (at < keys->size() && slice.count + 3 < out.size()) out[slice.count++] = (*keys)[at++];
    slice.next = at < keys->size() ? at : 0;
    return slice;
  };
  return model;
}

Keys randomKeys(std::size_t count, ClassId classes, int orders = 2) {
  auto keys = std::make_shared<std::vector<NgramKey>>();
  std::mt19937_64 random(7);
  for (std::size_t i = 0; i < count; ++i) {
    NgramKey key;
    key.order = 2 + static_cast<int>(random() % static_cast<unsigned>(orders));
    for (int k = 0; k < key.order; ++k) {
      key.classes[static_cast<std::size_t>(k)] =
          static_cast<ClassId>(random() % static_cast<unsigned>(classes));
    }
    keys->push_back(key);
  }
  return keys;
}

// Tables as large as published ones: 40 million rows a layer.
std::shared_ptr<InspectModel> largeModel(const test::Chat& chat, Keys keys) {
  auto model = modelWith(chat, std::move(keys));
  HashSpec spec = model->hasher->spec();
  for (LayerHash& layer : spec.layers) {
    layer.rows = 0;
    for (std::size_t c = 0; c < layer.primes.size(); ++c) {
      layer.primes[c] = 2'500'003 + 2 * c;
      layer.offsets[c] = layer.rows;
      layer.rows += layer.primes[c];
    }
  }
  auto hasher = std::make_shared<NgramHasher>(NgramHasher::create(spec).value());
  model->owner = hasher;
  model->hasher = hasher.get();
  return model;
}

TierStats withEntries(std::uint64_t entries) {
  TierStats stats = test::someTiers();
  stats.entries = entries;
  return stats;
}

}  // namespace

class HotSetViewTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void everyRowHasItsPixelAndEveryPixelItsRows() {
    for (const std::uint64_t rows :
         {std::uint64_t{1}, std::uint64_t{1023}, std::uint64_t{1024}, std::uint64_t{524'288},
          std::uint64_t{524'289}, std::uint64_t{40'711'297}, std::uint64_t{9'999'999'999}}) {
      const RowGrid grid(rows);
      QVERIFY(grid.lines() >= 1 && grid.lines() <= RowGrid::kHeight);
      QCOMPARE(grid.rowsIn(grid.rect()), rows);
      for (const RowId row : {RowId{0}, rows / 3, rows / 2, rows - 1}) {
        const auto [first, end] = grid.rowsOf(grid.pixelOf(row));
        QVERIFY(first <= row && row < end);
        QVERIFY(grid.rect().contains(grid.pixelOf(row)));
        QVERIFY(grid.indexOf(row) < grid.pixels());
      }
    }
    QCOMPARE(RowGrid(0).lines(), 0);
  }

  // Against a set of row numbers.
  void countsEveryResidentRowOnce() {
    test::Chat chat = test::storyChat();
    const Keys keys = randomKeys(3000, 60);  // some are there twice, and many rows are shared
    const auto model = modelWith(chat, keys);
    const std::atomic<bool> stop = false;
    for (const int layer : {0, 1}) {
      std::set<RowId> expected;
      std::vector<RowId> rows(8);
      for (const NgramKey& key : *keys) {
        model->hasher->rows(static_cast<std::size_t>(layer), key, rows);
        expected.insert(rows.begin(), rows.end());
      }
      const QRect block(100, 3, 40, 5);
      const auto picture = HotSetPicture::make(model, {layer, block, chat.log, chat.parts}, stop);
      QCOMPARE(picture->residentRows, std::uint64_t{expected.size()});
      std::vector<std::uint32_t> counts(picture->grid.pixels());
      std::set<RowId> inBlock;
      for (const RowId row : expected) {
        ++counts[picture->grid.indexOf(row)];
        if (block.contains(picture->grid.pixelOf(row))) inBlock.insert(row);
      }
      QVERIFY(counts == picture->resident);
      std::set<RowId> listed;
      for (const HotRow& row : picture->list) {
        listed.insert(row.row);
        model->hasher->rows(static_cast<std::size_t>(layer), row.key, rows);
        QCOMPARE(rows[static_cast<std::size_t>(row.head)], row.row);
      }
      QVERIFY(!listed.empty());
      QVERIFY(listed == inBlock);
      QVERIFY(std::ranges::is_sorted(picture->list, {}, &HotRow::row));
    }
    const std::atomic<bool> stopped = true;
    QVERIFY(HotSetPicture::make(model, {}, stopped) == nullptr);
  }

  void marksTheRowsOfTheAnswer() {
    test::Chat chat = test::storyChat();
    // In RAM: the n-grams that end at the answer's last ten tokens, and nothing else.
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    auto keys = std::make_shared<std::vector<NgramKey>>();
    const auto model = modelWith(chat, keys);
    std::vector<NgramKey> at(2);
    for (int i = trace.size() - 10; i < trace.size(); ++i) {
      const auto context = trace.context(i, 3);
      model->hasher->keys_at(context.tokens, context.tokens.size() - 1, at);
      keys->insert(keys->end(), at.begin(), at.end());
    }
    const std::atomic<bool> stop = false;
    const auto picture = HotSetPicture::make(
        model, {0, QRect(0, 0, RowGrid::kWidth, RowGrid::kHeight), chat.log, chat.parts}, stop);
    QVERIFY(picture->usedRows > picture->residentRows);
    QCOMPARE(picture->usedResident, picture->residentRows);
    QVERIFY(!picture->list.empty());
    for (const HotRow& row : picture->list) QVERIFY(row.used);
    // Without a branch nothing is an answer's.
    QCOMPARE(HotSetPicture::make(model, {0, {}, nullptr, {}}, stop)->usedRows, std::uint64_t{0});
  }

  void saysWhyItIsEmptyAndThatItLooks() {
    BranchTrace trace;
    InspectSource source;
    HotSetView view(trace, source, m_jobs);
    view.resize(700, 300);
    view.show();
    const auto visible = [&](const char* text) {
      return std::ranges::any_of(view.findChildren<QLabel*>(), [&](const QLabel* label) {
        return label->isVisible() && label->text().contains(QLatin1String(text));
      });
    };
    QVERIFY(visible("Open a model"));
    auto bare = std::make_shared<InspectModel>();
    bare->layout.memory_absent_reason = "no pack fits this tokenizer";
    source.setModel(bare);
    QVERIFY(visible("no pack fits this tokenizer"));
    QVERIFY(!view.canvas()->isVisible());
    test::Chat chat;
    source.setModel(modelWith(chat, std::make_shared<std::vector<NgramKey>>()));
    QVERIFY(view.canvas()->accessibleDescription().contains(QStringLiteral("Looking")));
    QTRY_VERIFY(view.canvas()->accessibleDescription().contains(QStringLiteral("No rows")));
  }

  // In a dock as narrow as it may become, at every zoom.
  void noHeadingOrFigureIsCut() {
    test::Chat chat = test::storyChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    InspectSource source;
    source.setModel(modelWith(chat, randomKeys(4000, 60)));
    for (const double zoom : {1.0, 2.0}) {
      Theme::setZoom(zoom);
      HotSetView view(trace, source, m_jobs);
      view.show();
      QTRY_VERIFY(view.picture());
      view.resize(view.minimumSizeHint());
      QTest::mouseClick(view.canvas(), Qt::LeftButton, {}, view.canvas()->rect().center());
      const auto* list = view.findChild<QTableWidget*>();
      QTRY_VERIFY(list->rowCount() > 0);
      view.resize(view.minimumSizeHint());
      QCoreApplication::processEvents();
      const QHeaderView* header = list->horizontalHeader();
      for (int column = 0; column < list->columnCount(); ++column) {
        QVERIFY2(header->sectionSize(column) >= header->sectionSizeHint(column),
                 qPrintable(QStringLiteral("%1 at %2").arg(column).arg(zoom)));
      }
      QVERIFY(header->length() <= list->viewport()->width());
    }
    Theme::setZoom(1);
  }

  void aPlaceShowsItsRowsByMouseAndByKeys() {
    test::Chat chat = test::storyChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    InspectSource source;
    source.setModel(modelWith(chat, randomKeys(4000, 60)));
    HotSetView view(trace, source, m_jobs);
    view.resize(900, 320);
    view.show();
    QTRY_VERIFY(view.picture());
    auto* list = view.findChild<QTableWidget*>();
    QCOMPARE(list->rowCount(), 0);
    HotSetCanvas* canvas = view.canvas();
    QTest::mouseClick(canvas, Qt::LeftButton, {}, QPoint(200, 60));
    const QRect clicked = canvas->chosen();
    QVERIFY(!clicked.isEmpty());
    QTRY_VERIFY(view.picture()->pixels == clicked);
    QCOMPARE(list->rowCount(), static_cast<int>(view.picture()->list.size()));
    QVERIFY(canvas->accessibleDescription().contains(QStringLiteral("in RAM")));
    // The keys walk on to another place until one has rows.
    canvas->setFocus();
    for (int i = 0; i < 40 && list->rowCount() == 0; ++i) {
      QTest::keyClick(canvas, Qt::Key_Right);
      QTRY_VERIFY(view.picture()->pixels == canvas->chosen());
    }
    QVERIFY(canvas->chosen() != clicked || list->rowCount() > 0);
    QVERIFY(list->rowCount() > 0);
    const HotRow& first = view.picture()->list.front();
    QVERIFY(!list->item(0, 0)->text().isEmpty());
    QCOMPARE(QLocale().toULongLong(list->item(0, 1)->text()), first.row);
    QCOMPARE(list->item(0, 2)->text(), QString::number(first.key.order));
    QCOMPARE(list->item(0, 3)->text(), QString::number(first.head));
    QTest::keyClick(canvas, Qt::Key_Escape);
    QVERIFY(canvas->chosen().isEmpty());
    QCOMPARE(list->rowCount(), 0);
    // Every corner is a place.
    for (const auto key : {Qt::Key_Home, Qt::Key_Up, Qt::Key_Left, Qt::Key_End, Qt::Key_Down})
      QTest::keyClick(canvas, key);
    QVERIFY(view.picture()->grid.rect().contains(canvas->chosen()));
    // The other layer is another table.
    view.findChild<QComboBox*>()->setCurrentIndex(1);
    QTRY_VERIFY(view.picture() && view.picture()->layer == 1);
    QVERIFY(canvas->chosen().isEmpty());
  }

  void looksAgainOnlyWhenSomethingChangedAndItIsSeen() {
    test::Chat chat = test::storyChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    InspectSource source;
    int walks = 0;
    auto model = modelWith(chat, randomKeys(50, 60));
    auto counted = std::make_shared<InspectModel>(*model);
    std::atomic<int> begun = 0;
    counted->listRam = [inner = model->listRam, &begun](std::uint64_t first,
                                                        std::span<NgramKey> out) {
      if (first == 0) ++begun;
      return inner(first, out);
    };
    source.setModel(counted);
    HotSetView view(trace, source, m_jobs);
    source.setTiers(withEntries(50));
    QTest::qWait(50);
    QCOMPARE(begun.load(), 0);  // hidden
    view.show();
    QTRY_VERIFY(view.picture());
    walks = begun;
    for (int i = 0; i < 20; ++i) source.setTiers(withEntries(50));
    QTest::qWait(50);
    QCOMPARE(begun.load(), walks);  // nothing came or went
    source.setTiers(withEntries(51));
    QTest::qWait(100);
    QCOMPARE(begun.load(), walks);  // not before its time
    QTRY_COMPARE_WITH_TIMEOUT(begun.load(), walks + 1, 2 * HotSetView::kPauseMs + 3000);
  }

  void theDialogsSayWhatTheyWillDo() {
    TierStats stats = test::someTiers();
    stats.entry_bytes = 1100;
    HotSetWork::Plan plan;
    plan.ngrams = 5000;
    plan.missing = std::make_shared<const std::vector<NgramKey>>(1000);
    const QString warm = HotSetActions::warmText(plan, stats, 16);
    for (const char* part : {"1,000 of the 5,000", "16 k reads", "66 MB", "latency measured",
                             "need 1.1 MB", "has that much room"}) {
      QVERIFY2(warm.contains(QLatin1String(part)), qPrintable(warm));
    }
    stats.bytes_used = stats.budget_bytes;
    QVERIFY(HotSetActions::warmText(plan, stats, 16).contains(QStringLiteral("make room")));
    stats.budget_bytes = 1'000'000;
    QVERIFY(HotSetActions::warmText(plan, stats, 16).contains(QStringLiteral("more than the RAM")));
    plan.missing = std::make_shared<const std::vector<NgramKey>>();
    QVERIFY(HotSetActions::warmText(plan, stats, 16).contains(QStringLiteral("All 5,000")));
    plan.ngrams = 0;
    QVERIFY(HotSetActions::warmText(plan, stats, 16).contains(QStringLiteral("No token")));
    stats = test::someTiers();
    stats.entry_bytes = 1100;
    stats.kept = 7;
    const QString pin = HotSetActions::pinText(stats, 0.25);
    QVERIFY2(pin.contains(QStringLiteral("4.2 MB")), qPrintable(pin));
    QVERIFY2(pin.contains(QStringLiteral("3,813")), qPrintable(pin));
    QVERIFY2(pin.contains(QStringLiteral("replaces the 7")), qPrintable(pin));
    QVERIFY(HotSetActions::clearText(stats).contains(QStringLiteral("15 MB")));
    QVERIFY(HotSetActions::clearText(TierStats{}).contains(QStringLiteral("empty")));
  }

  void pictures() {
    test::Chat chat = test::storyChat();
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    const Keys few = randomKeys(40'000, 4000);
    for (const auto& [name, keys] :
         {std::pair("hot-set", randomKeys(220'000, 4000)), std::pair("hot-set-few", few)}) {
      test::takePictures(QLatin1String(name), [&]() -> QWidget* {
        auto* source = new InspectSource;
        auto model = largeModel(chat, keys);
        model->tokenBytes = [](TokenId token) {
          static const char* const kWords[] = {" the",  " horse", " Great", " of",   " king",
                                               "ander", " Rome",  " who",   " city", " wrote"};
          return std::string(kWords[token % 10]) + (token % 7 == 0 ? "s" : "");
        };
        source->setModel(model);
        auto* view = new HotSetView(trace, *source, m_jobs);
        source->setParent(view);
        view->resize(790, 330);
        view->show();
        source->setTiers(withEntries(keys->size()));
        (void)QTest::qWaitFor([&] { return view->picture() != nullptr; }, 10000);
        QTest::mouseClick(view->canvas(), Qt::LeftButton, {}, QPoint(190, 90));
        const QRect chosen = view->canvas()->chosen();
        (void)QTest::qWaitFor([&] { return view->picture()->pixels == chosen; }, 10000);
        return view;
      });
    }
  }

 private:
  Jobs m_jobs;
};

UI_TEST(HotSetViewTest)
#include "hot_set_view_test.moc"
