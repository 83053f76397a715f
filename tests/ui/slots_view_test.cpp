// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/slots_view.h"

#include <QAbstractItemModelTester>
#include <QCheckBox>
#include <QElapsedTimer>
#include <QHeaderView>
#include <QLabel>
#include <QLineEdit>
#include <QScrollBar>
#include <QSignalSpy>
#include <QTableView>
#include <QtTest>
#include <map>
#include <set>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"

using namespace mneme;

namespace {

// The speed that is printed is that of the release build; sanitizers only look for mistakes.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kMany = 8'000;
#else
constexpr int kMany = 100'000;
#endif

}  // namespace

class SlotsViewTest : public QObject {
  Q_OBJECT

  struct World {
    test::Chat chat;
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    explicit World(int extraTokens = 0) : chat(test::storyChat()) {
      const EventIndex first = chat.log->size();
      for (int i = 0; i < extraTokens; ++i) {
        chat.add(" thing" + std::to_string(i * 7919 % 300), TokenSource::assistant, true);
      }
      chat.parts.push_back({.message = 9, .first = first, .end = chat.log->size()});
      source.setModel(chat.model());
      trace.reset(chat.log, chat.parts);
    }
    std::shared_ptr<const SlotIndex> index() const {
      return SlotIndex::build(chat.log, trace.parts(), source.model());
    }
  };

 private Q_SLOTS:
  void usesAndCollisionsAreCounted() {
    World world(600);
    const auto index = world.index();
    QCOMPARE(index->tokens(), static_cast<std::size_t>(world.trace.size()));
    QCOMPARE(index->size(), index->tokens() * 32);
    // By hand: all uses of each row of one layer.
    std::map<std::pair<int, RowId>, std::vector<std::size_t>> uses;
    for (std::size_t e = 0; e < index->size(); ++e) {
      const auto at = index->place(e);
      uses[{at.layer, index->row(at)}].push_back(e);
    }
    std::size_t collided = 0;
    for (const auto& [row, entries] : uses) {
      std::set<std::vector<ClassId>> ngrams;
      for (const std::size_t e : entries) {
        const NgramKey& key = index->key(index->place(e));
        ngrams.insert(std::vector<ClassId>(key.classes.begin(), key.classes.begin() + key.order));
      }
      for (const std::size_t e : entries) {
        QCOMPARE(std::size_t{index->seen(e)}, entries.size());
        QCOMPARE(std::size_t{index->collisions(e)}, ngrams.size() - 1);
      }
      collided += ngrams.size() > 1;
    }
    QVERIFY(collided > 10);  // the tables of the test are small on purpose
  }

  void filtersMeanWhatTheySay() {
    World world;
    const auto index = world.index();
    const auto run = [&](const char* line) {
      QString error;
      SlotQuery query;
      const auto filter = SlotFilter::parse(QString::fromUtf8(line), &error);
      if (!filter) return -1;
      query.filter = *filter;
      return static_cast<int>(runQuery(*index, query).size());
    };
    const int all = static_cast<int>(index->size());
    QCOMPARE(run(""), all);
    QCOMPARE(run("layer=14"), all / 2);
    QCOMPARE(run("layer=3"), 0);
    QCOMPARE(run("order=2 head=0"), all / 16);
    QCOMPARE(run("tier=ram") + run("tier=ssd"), all);
    QCOMPARE(run("tier=waited") + run("tier=hidden"), run("tier=ssd"));
    // " Great" ends one 2-gram and one 3-gram, and is inside one 2-gram and two 3-grams more.
    QCOMPARE(run("GREAT"), (2 + 3) * 16);
    QCOMPARE(run("the great order=2"), 16);
    QCOMPARE(run("seen>0"), all);
    QVERIFY(run("read>100") < run("read>0"));
    QCOMPARE(run("tier=fast"), -1);
    QCOMPARE(run("layer=x"), -1);
    QCOMPARE(run("speed>3"), -1);
  }

  void sortsByEveryColumn() {
    World world(200);
    const auto index = world.index();
    for (int c = 0; c < static_cast<int>(SlotColumn::count); ++c) {
      for (const bool descending : {false, true}) {
        SlotQuery query;
        query.sort = static_cast<SlotColumn>(c);
        query.descending = descending;
        const auto entries = runQuery(*index, query);
        QCOMPARE(entries.size(), index->size());
        QCOMPARE(std::set<std::uint32_t>(entries.begin(), entries.end()).size(), entries.size());
        const auto value = [&](std::uint32_t e) -> double {
          const auto at = index->place(e);
          switch (query.sort) {
            case SlotColumn::row:
              return double(index->row(at));
            case SlotColumn::latency:
              return index->latencyUs(at);
            case SlotColumn::seen:
              return index->seen(e);
            case SlotColumn::tier:
              return static_cast<int>(index->tier(at));
            case SlotColumn::prime:
              return double(index->prime(at));
            default:
              return 0;
          }
        };
        for (std::size_t i = 1; i < entries.size(); ++i) {
          if (query.sort == SlotColumn::ngram) {
            const int order = QString::compare(index->text(index->place(entries[i - 1])).toLower(),
                                               index->text(index->place(entries[i])).toLower());
            QVERIFY(descending ? order >= 0 : order <= 0);
          } else {
            QVERIFY(descending ? value(entries[i - 1]) >= value(entries[i])
                               : value(entries[i - 1]) <= value(entries[i]));
          }
        }
      }
    }
  }

  void theModelKeepsTheRules() {
    World world;
    SlotTable table;
    QAbstractItemModelTester tester(&table, QAbstractItemModelTester::FailureReportingMode::QtTest);
    const auto index = world.index();
    table.show(index, std::make_shared<const std::vector<std::uint32_t>>(runQuery(*index, {})));
    QCOMPARE(table.rowCount(), static_cast<int>(index->size()));
    const int row = *table.rowOf(world.trace.eventAt(20)) + 31;  // layer 14, 3-gram, head 7
    const auto text = [&](SlotColumn c) {
      return table.index(row, static_cast<int>(c)).data().toString();
    };
    QCOMPARE(text(SlotColumn::position), QStringLiteral("20"));
    QCOMPARE(text(SlotColumn::layer), QStringLiteral("14"));
    QCOMPARE(text(SlotColumn::order), QStringLiteral("3"));
    QCOMPARE(text(SlotColumn::head), QStringLiteral("7"));
    QCOMPARE(text(SlotColumn::ngram), QStringLiteral("der the Great"));
    table.show(nullptr, nullptr);
    QCOMPARE(table.rowCount(), 0);
  }

  void viewAndSelectionFollowEachOther() {
    World world;
    SlotsView view(world.trace, world.selection, world.source, m_jobs);
    view.resize(1000, 400);
    view.show();
    auto* rows = view.findChild<QTableView*>();
    QTRY_COMPARE(view.table()->rowCount(), world.trace.size() * 32);
    world.selection.pin(world.trace.eventAt(30));
    QCOMPARE(view.table()->eventAt(rows->currentIndex().row()), world.trace.eventAt(30));
    rows->selectRow(64);
    QCOMPARE(world.selection.pinned(), std::optional(world.trace.eventAt(2)));
    view.findChild<QCheckBox*>()->setChecked(true);
    QTRY_COMPARE(view.table()->rowCount(), 32);
    QTest::keyClicks(view.findChild<QLineEdit*>(), QStringLiteral("layer=1 order=3"));
    QTRY_COMPARE(view.table()->rowCount(), 8);
    QTest::keyClicks(view.findChild<QLineEdit*>(), QStringLiteral(" tier=x"));
    const auto saysWhy = [&] {
      const auto labels = view.findChildren<QLabel*>();
      return std::any_of(labels.begin(), labels.end(), [](const QLabel* label) {
        return label->isVisible() && label->text().startsWith(QStringLiteral("tier is one of"));
      });
    };
    QTRY_VERIFY(saysWhy());
  }

  // As wide as the left of the lower docks in a window of 1024, and in one of 1440.
  void whatARowIsIsSeenAtUsualSizes() {
    World world(200);
    for (const int width : {560, 780}) {
      SlotsView view(world.trace, world.selection, world.source, m_jobs);
      view.resize(width, 260);
      view.show();
      QTRY_VERIFY(view.table()->rowCount() > 0);
      auto* table = view.findChild<QTableView*>();
      const QHeaderView* header = table->horizontalHeader();
      for (const auto column :
           {SlotColumn::position, SlotColumn::ngram, SlotColumn::order, SlotColumn::head,
            SlotColumn::tier, SlotColumn::latency, SlotColumn::seen, SlotColumn::collisions}) {
        const int at = static_cast<int>(column);
        const QString name = table->model()->headerData(at, Qt::Horizontal).toString();
        const int right = header->sectionViewportPosition(at) + header->sectionSize(at);
        QVERIFY2(right <= table->viewport()->width(),
                 qPrintable(QStringLiteral("%1 ends at %2").arg(name).arg(right)));
        const int words = header->fontMetrics().horizontalAdvance(name);
        QVERIFY2(header->sectionSize(at) >= words + 12, qPrintable(name));
      }
      // What does not fit is reached by scrolling.
      const int last = header->logicalIndex(header->count() - 1);
      const int end = header->sectionPosition(last) + header->sectionSize(last);
      QVERIFY(table->horizontalScrollBar()->maximum() >= end - table->viewport()->width());
    }
  }

  void saysWhyItIsEmpty() {
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    SlotsView view(trace, selection, source, m_jobs);
    view.show();
    QVERIFY(!view.findChild<QTableView*>()->isVisible());
    World off;
    off.chat.shape = {};
    const auto part = off.chat.message(12, TokenSource::user, "memory off");
    off.trace.reset(off.chat.log, {part});
    SlotsView offView(off.trace, off.selection, off.source, m_jobs);
    offView.show();
    QTRY_VERIFY(!m_jobs.busy(&offView, "slots"));
    QVERIFY(!offView.findChild<QTableView*>()->isVisible());
  }

  void manyTokens() {
    World world(kMany);
    SlotsView view(world.trace, world.selection, world.source, m_jobs);
    view.resize(1000, 400);
    QSignalSpy answered(view.table(), &QAbstractItemModel::modelReset);
    QElapsedTimer timer;
    timer.start();
    view.show();
    const double shown = timer.nsecsElapsed() / 1e6;
    QTRY_VERIFY_WITH_TIMEOUT(answered.count() == 1, 60'000);
    qInfo("%d tokens, %d slots: window held up %.1f ms, table after %.0f ms", kMany,
          view.table()->rowCount(), shown, timer.nsecsElapsed() / 1e6);
    for (const auto column : {SlotColumn::row, SlotColumn::seen, SlotColumn::ngram}) {
      const qsizetype before = answered.count();
      timer.restart();
      view.table()->sort(static_cast<int>(column), Qt::DescendingOrder);
      QTRY_VERIFY_WITH_TIMEOUT(answered.count() > before, 60'000);
      qInfo("%d tokens: sort by column %d after %.0f ms", kMany, static_cast<int>(column),
            timer.nsecsElapsed() / 1e6);
    }
    timer.restart();
    view.findChild<QTableView*>()->scrollToBottom();
    QImage image(view.size(), QImage::Format_RGB32);
    view.render(&image);
    qInfo("%d tokens: jump and repaint %.1f ms", kMany, timer.nsecsElapsed() / 1e6);
  }

  // A late answer neither shows rows of the model that was closed nor keeps it.
  void aModelThatIsClosedMeanwhileIsLetGo() {
    World world(kMany);
    SlotsView view(world.trace, world.selection, world.source, m_jobs);
    view.show();
    QTRY_VERIFY(m_jobs.busy(&view, "slots"));
    const std::weak_ptr<const InspectModel> closed = world.source.model();
    world.source.setModel(nullptr);
    QTRY_VERIFY(closed.expired());
    QCOMPARE(view.table()->rowCount(), 0);
    QVERIFY(!m_jobs.busy(&view, "slots"));
  }

  void pictures() {
    World world(50);
    world.selection.pin(world.trace.eventAt(20));
    test::takePictures(QStringLiteral("slots"), [&]() -> QWidget* {
      auto* view = new SlotsView(world.trace, world.selection, world.source, m_jobs);
      view->resize(1000, 300);
      view->show();
      const bool ready = QTest::qWaitFor([&] { return view->table()->rowCount() > 0; });
      Q_ASSERT(ready);
      return view;
    });
  }

 private:
  Jobs m_jobs;
};

UI_TEST(SlotsViewTest)
#include "slots_view_test.moc"
