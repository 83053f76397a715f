// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/strip_view.h"

#include <QElapsedTimer>
#include <QScrollArea>
#include <QSlider>
#include <QToolButton>
#include <QtTest>
#include <cmath>
#include <set>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/views/inspect/strip_canvas.h"
#include "ui/views/inspect/strip_picture.h"

using namespace mneme;

namespace {

// The speed that is printed is that of the release build; sanitizers only look for mistakes.
#if defined(__SANITIZE_ADDRESS__)
constexpr int kManyCells = 8'000;
#else
constexpr int kManyCells = 100'000;
#endif

}  // namespace

class StripViewTest : public QObject {
  Q_OBJECT

  struct World {
    test::Chat chat;
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    explicit World(int extraTokens = 0) : chat(test::storyChat()) {
      if (extraTokens > 0) {
        const EventIndex first = chat.log->size();
        for (int i = 0; i < extraTokens; ++i) {
          chat.add(i % 9 == 0 ? " Word" : " thing" + std::to_string(i % 50), TokenSource::assistant,
                   true);
        }
        chat.parts.push_back({.message = 9, .first = first, .end = chat.log->size()});
      }
      source.setModel(chat.model());
      source.setTiers(test::someTiers());
      trace.reset(chat.log, chat.parts);
    }
  };

 private Q_SLOTS:
  void meansAreThoseOfTheRecords() {
    World world(500);
    StripData data;
    data.extend(world.trace);
    QCOMPARE(data.size(), world.trace.size());
    const auto check = [&](int first, int end) {
      double gate = 0;
      double largest = 0;
      double write = 0;
      std::array<int, 4> tiers{};
      int above = 0;
      for (int i = first; i < end; ++i) {
        const TraceRecord r = world.trace.recordAt(i);
        gate += double{r.gate_max(1)};
        largest = std::max(largest, double{r.gate_max(1)});
        write += double{r.write_max()};
        ++tiers[static_cast<std::size_t>(r.slowest_tier())];
        above += r.gate_max() >= 0.7f;
      }
      QVERIFY(std::abs(*data.gate(1, first, end) - gate / (end - first)) < 1e-9);
      QVERIFY(std::abs(*data.gatePeak(1, first, end) - largest) < 1e-9);
      QVERIFY(std::abs(*data.write(first, end) - write / (end - first)) < 1e-9);
      QCOMPARE(data.tiers(first, end), tiers);
      if (first == 0 && end == data.size()) QVERIFY(std::abs(data.above(0.7) - above) <= 1);
    };
    check(0, data.size());
    check(17, 18);
    check(100, 333);
    QVERIFY(!data.probability(0, 5));  // the prompt has none
  }

  void recordsWithoutMemoryHaveNoGates() {
    World world;
    world.chat.shape = {};
    world.chat.message(3, TokenSource::user, "memory off");
    world.trace.reset(world.chat.log, {world.chat.parts[2]});
    StripData data;
    data.extend(world.trace);
    QCOMPARE(data.layers(), 0);
    QCOMPARE(data.withGate(), 0);
    // A layer that appears later leaves the tokens before without.
    world.trace.append(world.chat.parts[0]);
    data.extend(world.trace);
    QCOMPARE(data.layers(), 2);
    QVERIFY(!data.gate(0, 0, 3));
    QVERIFY(data.gate(0, 0, data.size()));
  }

  void saysWhyItIsEmpty() {
    BranchTrace trace;
    Selection selection;
    InspectSource source;
    StripView view(trace, selection, source);
    view.show();
    QVERIFY(!view.canvas()->isVisible());
    QTest::keyClick(view.canvas(), Qt::Key_F);
    QTest::keyClick(view.canvas(), Qt::Key_Right);
  }

  void hoverPeeksAndAClickPins() {
    World world;
    StripView view(world.trace, world.selection, world.source);
    view.resize(900, 280);
    view.show();
    StripCanvas* canvas = view.canvas();
    canvas->setView(0, 13);
    const QPoint point(canvas->rowsRect().left() + 13 * 7 + 5, canvas->rowsRect().center().y());
    QTest::mouseMove(canvas, point);
    QCOMPARE(world.selection.hovered(), std::optional(world.trace.eventAt(7)));
    QTest::mouseClick(canvas, Qt::LeftButton, {}, point);
    QCOMPARE(world.selection.pinned(), std::optional(world.trace.eventAt(7)));
    QTest::keyClick(canvas, Qt::Key_Right);
    QCOMPARE(world.selection.pinned(), std::optional(world.trace.eventAt(8)));
    QVERIFY2(canvas->accessibleDescription().startsWith(QStringLiteral("token 8 ")),
             qPrintable(canvas->accessibleDescription()));
    QTest::keyClick(canvas, Qt::Key_Escape);
    QVERIFY(!world.selection.pinned());
  }

  void everyMouseActionHasAKey() {
    World world(2000);
    StripView view(world.trace, world.selection, world.source);
    view.resize(900, 280);
    view.show();
    StripCanvas* canvas = view.canvas();
    QCOMPARE(canvas->endVisible(), world.trace.size());  // starts at the newest token
    QTest::keyClick(canvas, Qt::Key_Home);
    QCOMPARE(canvas->firstVisible(), 0);
    QTest::keyClick(canvas, Qt::Key_D);
    QVERIFY(canvas->firstVisible() > 5);
    QTest::keyClick(canvas, Qt::Key_A);
    QCOMPARE(canvas->firstVisible(), 0);
    const double scale = canvas->pixelsPerToken();
    QTest::keyClick(canvas, Qt::Key_W);
    QVERIFY(canvas->pixelsPerToken() > scale);
    QTest::keyClick(canvas, Qt::Key_S);
    QVERIFY(std::abs(canvas->pixelsPerToken() - scale) < 1e-6);
    QTest::keyClick(canvas, Qt::Key_F);
    QCOMPARE(canvas->firstVisible(), 0);
    QCOMPARE(canvas->endVisible(), world.trace.size());
    QTest::keyClick(canvas, Qt::Key_End);
    QCOMPARE(canvas->endVisible(), world.trace.size());
    // Pinning elsewhere brings the token into view.
    canvas->setView(0, 13);
    world.selection.pin(world.trace.eventAt(1500));
    QVERIFY(canvas->firstVisible() <= 1500 && canvas->endVisible() > 1500);
  }

  void followsTheAnswerUntilTheUserLooksBack() {
    World world(500);
    StripView view(world.trace, world.selection, world.source);
    view.resize(900, 280);
    view.show();
    const auto grow = [&] {
      for (int i = 0; i < 40; ++i) world.chat.add(" more", TokenSource::assistant, true);
      world.trace.extendLast(world.chat.log->size());
    };
    grow();
    QCOMPARE(view.canvas()->endVisible(), world.trace.size());
    QTest::keyClick(view.canvas(), Qt::Key_Home);
    grow();
    QCOMPARE(view.canvas()->firstVisible(), 0);
  }

  // Not with every token, and the last one is never left out.
  void aGrowingAnswerIsPaintedNowAndThen() {
    World world(200);
    StripView view(world.trace, world.selection, world.source);
    view.resize(700, 260);
    view.show();
    QSignalSpy painted(view.canvas(), &StripCanvas::dataChanged);
    for (int i = 0; i < 30; ++i) {
      world.chat.add(" more", TokenSource::assistant, true);
      world.trace.extendLast(world.chat.log->size());
    }
    QCOMPARE(painted.count(), 1);
    QTRY_COMPARE(painted.count(), 2);
    QCOMPARE(view.canvas()->endVisible(), world.trace.size());
  }

  void rowsFitTheRoomThereIs() {
    // As in the window: empty at first, in a scroll area, of a height that the dock gives.
    World world;
    BranchTrace trace;
    QScrollArea area;
    area.setWidgetResizable(true);
    auto* view = new StripView(trace, world.selection, world.source);
    area.setWidget(view);
    area.resize(760, 290);
    area.show();
    QVERIFY(QTest::qWaitForWindowExposed(&area));
    const auto fits = [&] {
      QCoreApplication::processEvents();
      view->canvas()->grab();
      return view->canvas()->rowsRect().bottom() < view->canvas()->height();
    };
    trace.reset(world.chat.log, {});
    trace.append({.message = 1, .first = 0, .end = 1});
    QVERIFY(fits());
    trace.extendLast(world.chat.log->size());
    QVERIFY(fits());
    area.resize(760, 400);
    QVERIFY(fits());
    area.resize(760, 240);
    QVERIFY(fits());
  }

  void theCsvHoldsWhatIsVisible() {
    World world;
    StripView view(world.trace, world.selection, world.source);
    view.resize(900, 280);
    view.show();
    view.canvas()->setView(0, 30);
    const QStringList lines = view.csv().split(QStringLiteral("\r\n"), Qt::SkipEmptyParts);
    QCOMPARE(lines.size() - 1, view.canvas()->endVisible());
    QVERIFY(
        lines[0].startsWith(QStringLiteral("position,token,text,source,probability,layer_1_gate")));
    QVERIFY(lines[1].startsWith(QStringLiteral("0,0,\"<|im_start|>\",template,,0.")));
    QCOMPARE(lines[0].count(QLatin1Char(',')), 4 + 2 * (2 + 4));
  }

  void thePictureIsWholeAndSaysWhatItShows() {
    World world;
    auto named = std::make_shared<InspectModel>(*world.chat.model());
    named->layout.path = "/models/story-Q4_1.gguf";
    named->layout.quantization = "Q4_1";
    world.source.setModel(named);
    StripView view(world.trace, world.selection, world.source);
    view.resize(900, 280);
    view.show();
    view.canvas()->setView(3.6, 20);
    const StripPicture picture(*view.canvas(), world.trace, world.source);
    QCOMPARE(picture.firstToken(), 4);  // of token 3 only a part is in view
    QCOMPARE(picture.endToken(), int(3.7 + view.canvas()->rowsRect().width() / 20.0));
    const QString caption = picture.caption();
    QCOMPARE(caption, QStringLiteral("Tokens 5 to %1 of %2. story.")
                          .arg(picture.endToken())
                          .arg(world.trace.size()));
    for (const int scale : {1, 2}) {
      const QImage image = picture.image(scale);
      QCOMPARE(image.size(), picture.size() * scale);
      // Colours of all three scales and of the tiers stand below the strip.
      const int top = (view.canvas()->height() + 4) * scale;
      std::set<QRgb> colours;
      for (int y = top; y < image.height(); ++y) {
        for (int x = 0; x < image.width(); ++x) colours.insert(image.pixel(x, y));
      }
      const Theme& theme = Theme::current();
      for (const QColor& wanted : {theme.tier(Tier::ram), theme.tier(Tier::ssd_late)}) {
        QVERIFY(colours.contains(wanted.rgb()));
      }
      QVERIFY(colours.size() > 100);
    }
    const QString svg = QString::fromUtf8(picture.svg());
    QVERIFY(svg.contains(QStringLiteral("<svg")));
    QVERIFY(svg.contains(caption));
    QVERIFY(svg.contains(QStringLiteral("neutral")));
  }

  // Few tokens stand out of many: zoomed out they are still seen.
  void whatStandsOutIsSeenZoomedOut() {
    World world(20'000);
    StripView view(world.trace, world.selection, world.source);
    view.resize(560, 280);
    view.show();
    view.canvas()->fitAll();
    QVERIFY(view.canvas()->pixelsPerToken() < 0.1);
    const QImage image = view.canvas()->grab().toImage();
    const QRect rows = view.canvas()->rowsRect();
    int strong = 0;
    int pale = 0;
    const int x = rows.center().x();
    for (int y = rows.top(); y < rows.top() + 28; ++y) {
      const QColor colour = image.pixelColor(x, y);
      const auto near = [&](double gate) {
        const QColor wanted = Theme::current().gate(gate);
        return std::abs(wanted.blue() - colour.blue()) < 25 &&
               std::abs(wanted.red() - colour.red()) < 25;
      };
      strong += near(0.93);
      pale += near(0.3);
    }
    QVERIFY2(strong >= 6 && pale >= 6, qPrintable(QStringLiteral("%1 %2").arg(strong).arg(pale)));
    // All that can be done stays in view, however much is said.
    auto* button = view.findChild<QToolButton*>();
    const QRect place(button->mapTo(&view, QPoint(0, 0)), button->size());
    QVERIFY(view.rect().contains(place));
    QVERIFY(button->width() >= button->sizeHint().width());
  }

  void manyTokens() {
    World world;
    const EventIndex first = world.chat.log->size();
    for (int i = 0; i < kManyCells; ++i) {
      world.chat.add(i % 9 == 0 ? " Word" : " thing" + std::to_string(i % 50),
                     TokenSource::assistant, true);
    }
    world.chat.parts.push_back({.message = 9, .first = first, .end = world.chat.log->size()});
    StripView view(world.trace, world.selection, world.source);
    view.resize(1200, 280);
    view.show();
    QElapsedTimer timer;
    timer.start();
    world.trace.reset(world.chat.log, world.chat.parts);
    qInfo("%d tokens: taken in after %.1f ms", kManyCells, timer.nsecsElapsed() / 1e6);
    const auto measure = [&](const char* what, double first_, double scale) {
      double worst = 0;
      for (int i = 0; i < 10; ++i) {
        timer.restart();
        view.canvas()->setView(first_ + i * 40, scale);
        QImage image(view.canvas()->size(), QImage::Format_RGB32);
        view.canvas()->render(&image);
        worst = std::max(worst, timer.nsecsElapsed() / 1e6);
      }
      qInfo("%d tokens: %s, slowest repaint of 10: %.1f ms", kManyCells, what, worst);
    };
    measure("with text", kManyCells / 2, 13);
    measure("cells", kManyCells / 2, 4);
    measure("everything", 0, 0.001);
    world.selection.pin(world.trace.eventAt(kManyCells * 3 / 4));
    timer.restart();
    QImage image(view.canvas()->size(), QImage::Format_RGB32);
    view.canvas()->render(&image);
    qInfo("%d tokens: repaint after a click %.1f ms", kManyCells, timer.nsecsElapsed() / 1e6);
  }

  void pictures() {
    World world(300);
    World large(20'000);
    world.selection.pin(world.trace.eventAt(20));
    test::takePictures(QStringLiteral("strip"), [&]() -> QWidget* {
      auto* view = new StripView(world.trace, world.selection, world.source);
      view->resize(900, 270);
      view->canvas()->setView(4, 13);
      return view;
    });
    test::takePictures(QStringLiteral("strip-wide"), [&]() -> QWidget* {
      auto* view = new StripView(world.trace, world.selection, world.source);
      view->resize(900, 270);
      view->show();
      view->canvas()->setView(14, 60);
      return view;
    });
    test::takePictures(QStringLiteral("strip-all"), [&]() -> QWidget* {
      auto* view = new StripView(large.trace, large.selection, large.source);
      view->resize(900, 270);
      view->show();
      view->canvas()->fitAll();
      return view;
    });
  }
};

UI_TEST(StripViewTest)
#include "strip_view_test.moc"
