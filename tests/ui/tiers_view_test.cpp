// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/tiers_view.h"

#include <QCheckBox>
#include <QLabel>
#include <QPushButton>
#include <QScrollArea>
#include <QScrollBar>
#include <QSignalSpy>
#include <QSlider>
#include <QSpinBox>
#include <QtTest>
#include <cmath>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/models/tier_history.h"
#include "ui/views/inspect/budget_control.h"
#include "ui/views/inspect/hit_curve_chart.h"
#include "ui/views/inspect/tier_table.h"
#include "ui/views/inspect/time_chart.h"
#include "ui/views/window/elided_label.h"

using namespace mneme;

namespace {

void addCurve(TierStats& stats) {
  for (std::size_t i = 0; i < 8; ++i) {
    stats.predicted.points[i] = {std::uint64_t{1} << (20 + i), 0.30 + 0.06 * double(i)};
  }
  stats.predicted.count = 8;
  stats.predicted.lookups = 90'000;
  stats.measured_lookups = 10'000;
  stats.measured_hits = 5'300;
}

}  // namespace

class TiersViewTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void historyHoldsDifferences() {
    TierHistory history;
    TierStats stats = test::someTiers(10);
    history.add(stats, 0);
    QCOMPARE(history.rates().hitShare, -1.0);
    stats.lookups += 200;
    stats.hits += 150;
    stats.served[std::size_t(Tier::ssd_late)] += 20;
    stats.stall_us += 100'000;
    stats.reads += 90;
    stats.bytes_read += 90 * 4096;
    for (int i = 0; i < 90; ++i) stats.read_latency.add(100);
    history.add(stats, 400);
    stats.lookups += 100;
    history.add(stats, 600);
    QCOMPARE(history.bin(TierHistory::kBins - 1).lookups, 100u);
    QCOMPARE(history.bin(TierHistory::kBins - 2).lookups, 200u);
    QCOMPARE(history.bin(TierHistory::kBins - 2).hits, 150u);
    QCOMPARE(history.bin(TierHistory::kBins - 2).latency.total(), 90u);
    QCOMPARE(history.bin(0).lookups, 0u);
    const TierHistory::Rates rates = history.rates();
    QCOMPARE(rates.hitShare, 0.5);
    QVERIFY(std::abs(rates.stallShare - 0.1 / 0.6) < 1e-9);
    QCOMPARE(history.bin(TierHistory::kBins - 2).served[std::size_t(Tier::ssd_late)], 20u);
    QVERIFY(std::abs(rates.readsPerSecond - 150) < 1e-6);
    QVERIFY(rates.latencyP50 >= 100 && rates.latencyP50 < 150);
    // A pause longer than the whole history leaves it empty.
    history.add(stats, 10'000'000);
    for (int i = 0; i < TierHistory::kBins; ++i) QCOMPARE(history.bin(i).lookups, 0u);
    // Another store starts from zero.
    history.add(TierStats{}, 10'000'100);
    QCOMPARE(history.rates().hitShare, -1.0);
  }

  void saysWhyItIsEmptyAndWhatToDo() {
    InspectSource source;
    TiersView view(source);
    view.show();
    const auto text = [&] {
      for (const QLabel* label : view.findChildren<QLabel*>()) {
        if (label->isVisible() && !label->text().isEmpty()) return label->text();
      }
      return QString();
    };
    QVERIFY2(text().contains(QStringLiteral("Open a model")), qPrintable(text()));
    auto bare = std::make_shared<InspectModel>();
    bare->layout.memory_absent_reason = "no pack fits this tokenizer";
    source.setModel(bare);
    QCOMPARE(text(), QStringLiteral("no pack fits this tokenizer"));
    QVERIFY(!view.findChild<TimeChart*>()->isVisible());
  }

  void figuresAreThoseOfTheStore() {
    test::Chat chat;
    InspectSource source;
    source.setModel(chat.model());
    TiersView view(source);
    view.show();
    TierStats stats = test::someTiers();
    stats.served = {0, 1220, 700, 80};
    source.setTiers(stats);
    QCOMPARE(view.figure(QStringLiteral("without SSD")), QStringLiteral("61 %"));
    QCOMPARE(view.figure(QStringLiteral("hidden")), QStringLiteral("700"));
    QCOMPARE(view.figure(QStringLiteral("waited for")), QStringLiteral("80"));
    QCOMPARE(view.figure(QStringLiteral("bytes written")), QStringLiteral("0 B"));
    QCOMPARE(view.figure(QStringLiteral("in flight")), QStringLiteral("7"));
    QCOMPARE(view.figure(QStringLiteral("checksums")), QStringLiteral("none"));
    QCOMPARE(view.figure(QStringLiteral("record log")), QStringLiteral("off"));
    stats.checksums = VerifyRows::always;
    stats.rows_verified = 940;
    source.setTiers(stats);
    QCOMPARE(view.figure(QStringLiteral("checksums")), QStringLiteral("all, 940"));
    stats.log = {.bytes = 1 << 30, .records = 1234};
    stats.rows_from_log = 960;
    source.setTiers(stats);
    QCOMPARE(view.figure(QStringLiteral("record log")),
             QStringLiteral("1,234 n-grams, 960 rows read"));
    // The same figures for each tier.
    const auto* table = view.findChild<TierTable*>();
    const auto row = [&](std::size_t tier) {
      QStringList cells;
      for (std::size_t column = 0; column < 5; ++column) cells << table->cell(tier, column);
      return cells.join(QLatin1Char('|'));
    };
    QCOMPARE(row(0), QStringLiteral("RAM|2,000|61 %|300|15 MB"));
    QCOMPARE(row(1), QStringLiteral("SSD|780|100 %|0|71 MB"));
    const TierStats withoutDevice = stats;
    stats.served[std::size_t(Tier::device)] = 2000;
    stats.device = {.entries = 40, .bytes = 40'000, .room = 50'000, .evictions = 12, .off = {}};
    source.setTiers(stats);
    QCOMPARE(row(0), QStringLiteral("device|4,000|50 %|12|40 kB"));
    QCOMPARE(row(1), QStringLiteral("RAM|2,000|61 %|300|15 MB"));
    source.setTiers(withoutDevice);
    QCOMPARE(row(0), QStringLiteral("RAM|2,000|61 %|300|15 MB"));
    QCOMPARE(row(2), QStringLiteral("||||"));
  }

  void saysWhichWayRowsComeAndWhyNotTheBest() {
    test::Chat chat;
    InspectSource source;
    source.setModel(chat.model());
    TiersView view(source);
    view.show();
    const auto says = [&](const char* text) {
      return std::ranges::any_of(view.findChildren<QLabel*>(), [&](const QLabel* label) {
        return label->isVisible() && label->text().contains(QLatin1String(text));
      });
    };
    TierStats stats = test::someTiers();
    source.setTiers(stats);
    QVERIFY(says("SSD by io_uring on ext4"));
    stats.log.off = "the drive has 3 MiB free";
    source.setTiers(stats);
    QVERIFY(says("No record log: the drive has 3 MiB free"));
    stats.log.off.clear();
    QVERIFY(!says("NUMA"));
    stats.reader = "threads";
    stats.why_reader = "the system refuses io_uring: Operation not permitted";
    stats.storage = StorageKind::cached;
    stats.file_system = "tmpfs";
    stats.why_cached = "Not past the page cache: on tmpfs direct reads do not reach a drive";
    stats.numa_node = 1;
    stats.restored = 14'200;
    source.setTiers(stats);
    for (const char* text :
         {"by threads on tmpfs", "refuses io_uring", "Not past the page cache",
          "RAM on NUMA node 1", "14 k n-grams from the last run", "without a read"}) {
      QVERIFY2(says(text), text);
    }
    QVERIFY(!says("without SSD"));
    stats.failed_reads = 1;
    source.setTiers(stats);
    QVERIFY(says("1 read failed"));
  }

  // As the lower right of a window of 1280 x 800, of 1024 x 640, and of a large one: nothing is
  // cut, and in the first all of it is seen without scrolling.
  void nothingIsCutAtUsualSizes() {
    test::Chat chat;
    InspectSource source;
    source.setModel(chat.model(false));
    TierStats stats = test::someTiers();
    stats.served = {0, 1220, 700, 80};
    stats.bytes_read = 12'345'678'901;
    addCurve(stats);
    for (const QSize size : {QSize(598, 288), QSize(478, 190), QSize(310, 400), QSize(900, 500)}) {
      QScrollArea area;
      area.setFrameShape(QFrame::NoFrame);
      area.setWidgetResizable(true);
      auto* view = new TiersView(source);
      area.setWidget(view);
      area.resize(size);
      area.show();
      source.setTiers(stats);
      settle();
      QCOMPARE(area.horizontalScrollBar()->maximum(), 0);
      if (size.width() >= 598) QCOMPARE(area.verticalScrollBar()->maximum(), 0);
      for (const bool more : {false, true}) {
        if (more) {
          for (auto* button : view->findChildren<QPushButton*>()) {
            if (button->isCheckable()) button->click();
          }
          settle();
        }
        checkWhole(view);
        // What the scroll bar reaches.
        QTRY_VERIFY(view->height() >= view->minimumSizeHint().height());
      }
    }
  }

  void theBudgetActsAtOnce() {
    test::Chat chat;
    InspectSource source;
    source.setModel(chat.model());
    TiersView view(source);
    view.show();
    source.setTiers(test::someTiers());
    QSignalSpy asked(&source, &InspectSource::ramBudgetRequested);
    auto* slider = view.findChild<QSlider*>();
    auto* number = view.findChild<QSpinBox*>();
    auto* automatic = view.findChild<QCheckBox*>();
    QVERIFY(automatic->isChecked());
    QTest::keyClick(slider, Qt::Key_Right);
    QCOMPARE(asked.count(), 1);
    const quint64 one = asked.at(0).at(0).toULongLong();
    QVERIFY(one >= (16u << 20) && one < (19u << 20));
    QCOMPARE(quint64(number->value()) << 20, one);
    QVERIFY(!automatic->isChecked());
    number->setValue(42);
    QCOMPARE(asked.count(), 2);
    QCOMPARE(asked.at(1).at(0).toULongLong(), quint64{42} << 20);
    // Both ends.
    QTest::keyClick(slider, Qt::Key_Home);
    QCOMPARE(asked.last().at(0).toULongLong(), BudgetControl::kUnit);
    QTest::keyClick(slider, Qt::Key_End);
    QCOMPARE(asked.last().at(0).toULongLong(), BudgetControl::maximumFor(71'000'000));
    // What the store says afterwards is shown, and asks for nothing.
    const auto before = asked.count();
    TierStats stats = test::someTiers();
    stats.budget_bytes = 8 << 20;
    QTRY_VERIFY_WITH_TIMEOUT((source.setTiers(stats), number->value() == 8), 3000);
    QCOMPARE(asked.count(), before);
    // Back to what the program chooses, and to that amount as one's own.
    automatic->click();
    QCOMPARE(asked.last().at(0).toULongLong(), 0u);
    source.setTiers(stats);
    QVERIFY(automatic->isChecked());
    automatic->click();
    QCOMPARE(asked.last().at(0).toULongLong(), quint64{8} << 20);
  }

  void theCurveSaysWhatAnotherBudgetWouldBring() {
    HitCurveChart chart;
    TierStats stats = test::someTiers();
    stats.predicted.lookups = 50;
    chart.setStats(stats);
    QVERIFY(chart.accessibleDescription().contains(QStringLiteral("needs 250 more")));
    addCurve(stats);
    chart.setStats(stats);
    QCOMPARE(chart.accessibleDescription(),
             QStringLiteral("54 % predicted and 53 % measured at the present 17 MB; 60 % with "
                            "twice as much"));
    stats.measured_lookups = 0;  // the budget has just changed
    chart.setStats(stats);
    QCOMPARE(chart.accessibleDescription(),
             QStringLiteral("54 % predicted at the present 17 MB; 60 % with twice as much"));
  }

  void saysThatTheDriveDoesNotAnswer() {
    test::Chat chat;
    InspectSource source;
    source.setModel(chat.model());
    TiersView view(source);
    view.show();
    const auto warning = [&] {
      QString text;
      for (const QLabel* label : view.findChildren<QLabel*>()) {
        if (label->isVisible() && label->text().contains(QStringLiteral("not answered")))
          text = label->text();
      }
      return text;
    };
    TierStats stats = test::someTiers();
    stats.silent_us = 400'000;
    source.setTiers(stats);
    QVERIFY(warning().isEmpty());
    stats.silent_us = 3'400'000;
    source.setTiers(stats);
    QVERIFY2(warning().contains(QStringLiteral("7 reads")), qPrintable(warning()));
    QVERIFY2(warning().contains(QStringLiteral("3 s")), qPrintable(warning()));
    stats.silent_us = 0;
    source.setTiers(stats);
    QVERIFY(warning().isEmpty());
  }

  void pictures() {
    test::Chat chat;
    for (const bool used : {true, false}) {
      test::takePictures(
          used ? QStringLiteral("tiers") : QStringLiteral("tiers-idle"), [&]() -> QWidget* {
            auto* source = new InspectSource;
            source->setModel(chat.model(used));
            auto* view = new TiersView(*source);
            source->setParent(view);
            view->resize(598, 288);
            auto& history = const_cast<TierHistory&>(view->history());
            TierStats stats;
            stats.table_bytes = 71'000'000;
            stats.budget_bytes = 16'000'000;
            stats.reader = "io_uring";
            stats.file_system = "ext4";
            if (used) {
              stats.checksums = VerifyRows::sampled;
            } else {
              stats.storage = StorageKind::cached;
              stats.reader = "threads";
              stats.why_reader = "the system refuses io_uring: Operation not permitted";
              stats.file_system = "tmpfs";
              stats.why_cached =
                  "Not past the page cache: on tmpfs direct reads do not reach a drive";
            }
            const qint64 start = -59'000;
            for (int i = 0; used && i <= 590; ++i) {
              if (i < 80 || i > 200) {
                const double wave = std::sin(i / 40.0);
                const auto asked = static_cast<std::uint64_t>(90 + 20 * wave + chat.random() * 20);
                stats.lookups += asked;
                const auto hit = static_cast<std::uint64_t>(double(asked) * (0.4 + i / 1600.0));
                stats.hits += hit;
                const std::uint64_t late = i % 3 == 0 ? 2 + i / 60 : 0;
                stats.served[std::size_t(Tier::ram)] += 2 * hit;
                stats.served[std::size_t(Tier::ssd_in_time)] += 2 * (asked - hit) - late;
                stats.served[std::size_t(Tier::ssd_late)] += late;
                stats.stall_us += 40 * late;
                stats.rows_verified += asked - hit;
                stats.reads += 40;
                stats.bytes_read += 40 * 4096;
                for (int k = 0; k < 40; ++k) stats.read_latency.add(70 + 30 * chat.random());
                if (i % 3 == 0) stats.read_latency.add(180 + 90 * chat.random());
                stats.bytes_used =
                    std::min<std::uint64_t>(15'800'000, 40'000 * static_cast<std::uint64_t>(i));
                stats.entries = stats.bytes_used / 1100;
              }
              history.add(stats, start + i * 100 + 60'000);
            }
            view->show();
            if (used) addCurve(stats);
            source->setTiers(stats);
            return view;
          });
    }
  }

 private:
  // A height for a width needs a second pass: the scroll area lays out again what has grown.
  static void settle() {
    for (int pass = 0; pass < 3; ++pass) QCoreApplication::processEvents();
  }
  // Every part lies within the view, has the room it needs, and covers no other.
  static void checkWhole(const TiersView* view) {
    std::vector<std::pair<QRect, QString>> seen;
    for (const QWidget* part : view->findChildren<QWidget*>()) {
      const bool leaf = part->findChildren<QWidget*>().isEmpty() ||
                        qobject_cast<const QAbstractSpinBox*>(part) != nullptr;
      if (!part->isVisible() || !leaf ||
          qobject_cast<const QAbstractSpinBox*>(part->parentWidget()) != nullptr) {
        continue;
      }
      const QRect place(part->mapTo(view, QPoint(0, 0)), part->size());
      const auto* label = qobject_cast<const QLabel*>(part);
      const QString name = label != nullptr ? label->text() : part->accessibleName();
      QVERIFY2(view->rect().contains(place), qPrintable(QStringLiteral("%1 at %2,%3 %4x%5 in %6x%7")
                                                            .arg(name)
                                                            .arg(place.x())
                                                            .arg(place.y())
                                                            .arg(place.width())
                                                            .arg(place.height())
                                                            .arg(view->width())
                                                            .arg(view->height())));
      if (label != nullptr && qobject_cast<const ElidedLabel*>(part) == nullptr &&
          !label->wordWrap()) {
        QVERIFY2(part->width() >= part->sizeHint().width(), qPrintable(name));
      }
      const int needs =
          part->minimumHeight() > 0 ? part->minimumHeight() : part->minimumSizeHint().height();
      QVERIFY2(part->height() >= needs, qPrintable(name));
      if (place.isEmpty()) continue;
      for (const auto& [other, otherName] : seen) {
        QVERIFY2(!other.intersects(place), qPrintable(name + QLatin1String(" / ") + otherName));
      }
      seen.emplace_back(place, name);
    }
    QVERIFY(seen.size() > 30);
  }
};

UI_TEST(TiersViewTest)
#include "tiers_view_test.moc"
