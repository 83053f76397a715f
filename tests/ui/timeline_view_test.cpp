// SPDX-License-Identifier: Apache-2.0
#include "ui/views/inspect/timeline_view.h"

#include <QtTest>

#include "tests/ui/pictures.h"
#include "tests/ui/synthetic_trace.h"
#include "tests/ui/ui_test.h"
#include "ui/models/token_text.h"
#include "ui/views/inspect/timeline_canvas.h"

using namespace mneme;

namespace {

constexpr int kLayers = 30;

// A model whose last 20 layers run on a GPU, with Engram layers 1 and 14.
std::shared_ptr<const InspectModel> splitModel(const test::Chat& chat, bool split) {
  auto model = std::make_shared<InspectModel>(*chat.model());
  model->layout.layers = kLayers;
  model->layout.device = split ? "vulkan" : "cpu";
  model->layout.device_layers = split ? 20 : 0;
  if (split) model->layout.first_backend = "a processor";
  return model;
}

StepSpan span(StepSpan::Kind kind, int slot, int part, float begin, float end) {
  return {kind, static_cast<std::int8_t>(slot), static_cast<std::uint8_t>(part), begin, end};
}

// A token: `late` is the latency of its 3-gram's rows at the second Engram layer.
void addToken(test::Chat& chat, const std::string& text, bool sampled, std::uint32_t waitUs,
              std::uint32_t computeUs, std::uint32_t lateUs) {
  TraceRecordWriter writer;
  writer.begin(chat.shape);
  TraceHeader& header = writer.header();
  header.source = sampled ? TokenSource::assistant : TokenSource::user;
  header.sampled = sampled ? 1 : 0;
  header.position = chat.position++;
  header.token = chat.id(text);
  header.wait_us = waitUs;
  header.compute_us = computeUs;
  header.sample_us = sampled ? 150 : 0;
  for (int layer = 0; layer < 2; ++layer) {
    writer.set_layer(layer, std::vector{0.5F}, std::vector{0.1F});
    writer.set_tier(layer, 0, layer == 0 ? Tier::ssd_in_time : Tier::ram, layer == 0 ? 120 : 0);
    writer.set_tier(layer, 1, lateUs > 0 && layer == 1 ? Tier::ssd_late : Tier::ram,
                    layer == 1 ? lateUs : 0);
  }
  CHECK(chat.log->append(writer.finish()));
}

using enum StepSpan::Kind;

// A prompt of three tokens in one step, then four picked ones; the third of these stalls. The last
// has no times.
test::Chat timedChat(bool split) {
  test::Chat chat;
  const auto times = [&](EventIndex first, EventIndex end, float scale, float stall) {
    StepTimes step{.first = first, .end = end, .asked_us = -20, .total_us = 0, .spans = {}};
    const float a = 200 * scale;
    const float b = a + 2600 * scale + stall;
    step.spans = {span(wait, 0, 0, a, a + 30), span(wait, 1, split ? 1 : 0, b - stall, b),
                  span(compute, -1, 0, 0, a),
                  span(compute, 0, 0, a + 30, split ? b - 900 : b - stall)};
    if (split) {
      step.spans.push_back(span(compute, -1, 1, b - 880, b - stall));
      step.spans.push_back(span(copy, 1, 1, b, b + 180));
    }
    step.total_us = b + 2500 * scale;
    step.spans.push_back(span(compute, 1, split ? 1 : 0, split ? b + 180 : b, step.total_us));
    chat.log->steps().add(step);
  };
  times(0, 3, 4, 0);
  for (const char* word : {"Who", " was", " Great"}) addToken(chat, word, false, 10, 7000, 0);
  const char* const words[] = {"Only", " Alex", "ander", " was"};
  for (int i = 0; i < 4; ++i) {
    const bool stalls = i == 2;
    const auto first = static_cast<EventIndex>(3 + i);
    if (i < 3) times(first, first + 1, 1, stalls ? 1400.0F : 0.0F);
    addToken(chat, words[i], true, stalls ? 1430 : 30, 5300, stalls ? 4300 : 0);
  }
  chat.parts = {{.message = 1, .first = 0, .end = 3}, {.message = 2, .first = 3, .end = 7}};
  return chat;
}

QStringList names(const StepTimeline& timeline) {
  QStringList names;
  for (const TimelineLane& lane : timeline.lanes) names << lane.name;
  return names;
}

const TimelineLane* laneOf(const StepTimeline& timeline, const QString& name) {
  for (const TimelineLane& lane : timeline.lanes) {
    if (lane.name == name) return &lane;
  }
  return nullptr;
}

}  // namespace

class TimelineViewTest : public QObject {
  Q_OBJECT

 private Q_SLOTS:
  void lanesSayWhatRanWhenAndWhere() {
    const test::Chat chat = timedChat(true);
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    InspectSource source;
    source.setModel(splitModel(chat, true));
    source.setTiers(test::someTiers());
    const StepTimeline timeline = timelineOf(trace, source, 5);
    const QStringList want{QStringLiteral("Sampling"), storageName(source.tiers().storage),
                           QStringLiteral("Waiting"), QStringLiteral("To GPU"),
                           QStringLiteral("CPU"),     QStringLiteral("GPU")};
    QCOMPARE(names(timeline), want);
    QVERIFY(timeline.note.isEmpty());
    QVERIFY2(timeline.heading.contains(QStringLiteral("“ander” took 6.9 ms")),
             qPrintable(timeline.heading));
    QVERIFY(timeline.heading.contains(QStringLiteral("1.4 ms waiting for rows")));
    const TimelineLane* const cpu = laneOf(timeline, QStringLiteral("CPU"));
    QCOMPARE(cpu->bars.size(), std::size_t{2});
    QCOMPARE(cpu->bars[0].label, QStringLiteral("layer 0"));
    QCOMPARE(cpu->bars[0].begin, 150.0);  // behind the picking
    QCOMPARE(cpu->bars[1].label, QStringLiteral("n-gram memory, layers 1–9"));
    const TimelineLane* const gpu = laneOf(timeline, QStringLiteral("GPU"));
    QCOMPARE(gpu->bars[0].label, QStringLiteral("layers 10–13"));
    QCOMPARE(gpu->bars[1].label, QStringLiteral("n-gram memory, layers 14–29"));
    const TimelineLane* const copied = laneOf(timeline, QStringLiteral("To GPU"));
    QCOMPARE(copied->bars.front().end, gpu->bars[1].begin);
    const TimelineLane& drive = timeline.lanes[1];
    QCOMPARE(drive.rows, 2);
    QCOMPARE(drive.bars[0].kind, TimelineBar::Kind::lateRead);
    QCOMPARE(drive.bars[0].begin, 130.0);  // asked for before the step began
    QCOMPARE(drive.bars[0].end, 4430.0);
    QVERIFY(drive.bars[0].tip.contains(QStringLiteral("the layer had to wait")));
    QVERIFY(timeline.end >= 4430.0);
  }

  void aPromptsTokenShowsItsChunk() {
    const test::Chat chat = timedChat(false);
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    InspectSource source;
    source.setModel(splitModel(chat, false));
    const StepTimeline timeline = timelineOf(trace, source, 1);
    QVERIFY2(timeline.heading.contains(QStringLiteral("read with 2 other tokens in 21 ms")),
             qPrintable(timeline.heading));
    QVERIFY(laneOf(timeline, QStringLiteral("Sampling")) == nullptr);
    QCOMPARE(laneOf(timeline, QStringLiteral("CPU"))->bars.size(), std::size_t{3});
    QCOMPARE(timeline.begin, -20.0);
  }

  void withoutTimesTheTotalsAreLeft() {
    const test::Chat chat = timedChat(false);
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    InspectSource source;  // no model either
    for (const int index : {6, 4}) {
      const StepTimeline timeline = timelineOf(trace, source, index);
      QCOMPARE(names(timeline), (QStringList{QStringLiteral("Sampling"), QStringLiteral("Totals")}));
      QVERIFY(timeline.note.contains(QStringLiteral("4,096")));
      QCOMPARE(timeline.end, 150.0 + 30 + 5300);
    }
  }

  void sumsAreOfPickedTokensOnly() {
    const test::Chat chat = timedChat(false);
    BranchTrace trace;
    QVERIFY(costText(trace).isEmpty());
    trace.reset(chat.log, chat.parts);
    const QString text = costText(trace);
    for (const char* part : {"4 tokens sampled", "5.8 ms on average", "7 % of it waiting"}) {
      QVERIFY2(text.contains(QString::fromUtf8(part)), qPrintable(text));
    }
  }

  void followsTheSelectionAndLeadsIt() {
    const test::Chat chat = timedChat(true);
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    Selection selection;
    InspectSource source;
    source.setModel(splitModel(chat, true));
    TimelineView view(trace, selection, source);
    view.resize(700, 320);
    view.show();
    QVERIFY(view.heading().contains(QStringLiteral("was")));  // the newest
    selection.pin(trace.eventAt(3));
    QVERIFY(view.heading().contains(QStringLiteral("Only")));
    TimelineCanvas* const canvas = view.canvas();
    QTest::mouseClick(canvas, Qt::LeftButton, {}, QPoint(14 + 5 * 12 + 1, 20));
    QCOMPARE(selection.pinned(), std::optional(trace.eventAt(5)));
    QVERIFY(view.heading().contains(QStringLiteral("ander")));
    canvas->setFocus();
    QTest::keyClick(canvas, Qt::Key_Left);
    QCOMPARE(selection.pinned(), std::optional(trace.eventAt(4)));
    for (int i = 0; i < 9; ++i) QTest::keyClick(canvas, Qt::Key_Right);
    QCOMPARE(selection.pinned(), std::optional(trace.eventAt(6)));
    QVERIFY(!view.note().isEmpty());
    QTest::keyClick(canvas, Qt::Key_Escape);
    QVERIFY(!selection.pinned());
    QTest::mouseClick(canvas, Qt::LeftButton, {}, QPoint(canvas->width() - 20, 20));  // no token
    QVERIFY(!selection.pinned());
    trace.reset(nullptr, {});
    QVERIFY(!canvas->isVisible());
    QTest::keyClick(canvas, Qt::Key_Right);
  }

  void barsLieWhereTheyAreLookedFor() {
    const test::Chat chat = timedChat(true);
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    Selection selection;
    InspectSource source;
    source.setModel(splitModel(chat, true));
    TimelineView view(trace, selection, source);
    view.resize(700, 320);
    view.show();
    const StepTimeline timeline = timelineOf(trace, source, 5);
    selection.pin(trace.eventAt(5));
    for (std::size_t lane = 0; lane < timeline.lanes.size(); ++lane) {
      const TimelineBar& bar = timeline.lanes[lane].bars.back();
      const QRectF rect = view.canvas()->rectOf(lane, bar);
      QVERIFY(view.canvas()->rect().contains(rect.toRect()));
      const TimelineBar* const found = view.canvas()->barAt(rect.center());
      QVERIFY(found != nullptr);
      QCOMPARE(found->tip, bar.tip);
    }
    QVERIFY(view.canvas()->barAt({1, 1}) == nullptr);
  }

  void manyTokensScroll() {
    test::Chat chat;
    for (int i = 0; i < 3000; ++i) addToken(chat, "a", true, 30, 5000, 0);
    chat.parts = {{.message = 1, .first = 0, .end = chat.log->size()}};
    BranchTrace trace;
    trace.reset(chat.log, chat.parts);
    Selection selection;
    InspectSource source;
    TimelineView view(trace, selection, source);
    view.resize(700, 320);
    view.show();
    QTest::qWait(1);
    view.canvas()->follow();
    QCOMPARE(view.canvas()->tokenAt({static_cast<qreal>(view.canvas()->width() - 17), 20}),
             std::optional(2999));
    selection.pin(trace.eventAt(10));
    QVERIFY(*view.canvas()->tokenAt({15, 20}) <= 10);
    QTest::keyClick(view.canvas(), Qt::Key_End);
    QVERIFY(*view.canvas()->tokenAt({15, 20}) > 2800);
  }

  void pictures() {
    test::takePictures(QStringLiteral("timeline"), [] {
      auto* holder = new QWidget;
      const auto chat = std::make_shared<test::Chat>(timedChat(true));
      auto* trace = new BranchTrace(holder);
      auto* selection = new Selection(holder);
      auto* source = new InspectSource(holder);
      trace->reset(chat->log, chat->parts);
      source->setModel(splitModel(*chat, true));
      source->setTiers(test::someTiers());
      auto* view = new TimelineView(*trace, *selection, *source, holder);
      view->resize(760, 330);
      holder->resize(760, 330);
      selection->pin(trace->eventAt(5));
      return holder;
    });
  }
};

UI_TEST(TimelineViewTest)
#include "timeline_view_test.moc"
