// SPDX-License-Identifier: Apache-2.0
#include "ui/models/step_timeline.h"

#include <QCoreApplication>
#include <algorithm>
#include <utility>

#include "ui/format.h"
#include "ui/models/stall_facts.h"
#include "ui/models/token_text.h"

namespace mneme {
namespace {

using Kind = TimelineBar::Kind;

struct StepWords {
  Q_DECLARE_TR_FUNCTIONS(mneme::StepTimeline)
};

QString spanText(const QString& what, double begin, double end) {
  return StepWords::tr("%1\n%2, from %3 to %4")
      .arg(what, format::microseconds(end - begin), format::microseconds(begin),
           format::microseconds(end));
}

TimelineBar bar(Kind kind, double begin, double end, const QString& label, const QString& what,
                int row = 0) {
  return {kind, begin, end, label, spanText(what, begin, end), row};
}

// The first layer that a part of the model runs.
int firstLayer(const ModelLayout& layout, int part) {
  return part == 0 || layout.first_backend.empty() ? 0 : layout.layers - layout.device_layers;
}

// The layers that a segment runs, in words.
QString segmentText(const ModelLayout& layout, const StepSpan& span) {
  const auto engram = layout.memory ? layout.memory->layer_ids : std::vector<std::int32_t>();
  const auto slot = static_cast<std::size_t>(span.slot);
  const bool begins = span.slot >= 0 && slot < engram.size();
  const int first = begins ? engram[slot] : firstLayer(layout, span.part);
  int end = layout.layers;
  if (span.part == 0 && !layout.first_backend.empty()) end = firstLayer(layout, 1);
  for (const std::int32_t layer : engram) {
    if (layer > first || (layer == first && !begins)) end = std::min<int>(end, layer);
  }
  const QString layers = end - first == 1 ? StepWords::tr("layer %1").arg(first)
                                          : StepWords::tr("layers %1–%2").arg(first).arg(end - 1);
  return begins ? StepWords::tr("n-gram memory, %1").arg(layers) : layers;
}

QString deviceText(const ModelLayout& layout, int part) {
  if (part == 0 && !layout.first_backend.empty()) return StepWords::tr("CPU");
  if (layout.device == "cpu") return StepWords::tr("CPU");
  return layout.device == "cuda" ? QStringLiteral("CUDA") : StepWords::tr("GPU");
}

TimelineLane& laneNamed(StepTimeline& timeline, const QString& name) {
  const auto found = std::ranges::find(timeline.lanes, name, &TimelineLane::name);
  if (found != timeline.lanes.end()) return *found;
  timeline.lanes.push_back({name, {}, 1});
  return timeline.lanes.back();
}

// Reads begin where the step's rows are asked for.
void addReads(StepTimeline& timeline, const TokenFacts& facts, StorageKind storage, double asked) {
  const std::vector<StallRead> reads = readsOf(facts);
  if (reads.empty()) return;
  TimelineLane lane{storageName(storage), {}, 0};
  for (const StallRead& read : reads) {
    const bool late = read.tier == Tier::ssd_late;
    const QString what = StepWords::tr("“%1” for %2, %3")
                             .arg(read.text, read.layer,
                                  late ? StepWords::tr("the layer had to wait")
                                       : StepWords::tr("hidden behind computing"));
    lane.bars.push_back(bar(late ? Kind::lateRead : Kind::read, asked, asked + read.latencyUs,
                            QString(), what, lane.rows++));
  }
  timeline.lanes.push_back(std::move(lane));
}

void addSpans(StepTimeline& timeline, const ModelLayout& layout, const StepTimes& times,
              double start) {
  for (const StepSpan& span : times.spans) {
    const double begin = start + span.begin_us;
    const double end = start + span.end_us;
    switch (span.kind) {
      case StepSpan::Kind::wait:
        laneNamed(timeline, StepWords::tr("Waiting"))
            .bars.push_back(
                bar(Kind::wait, begin, end, QString(),
                    StepWords::tr("waiting for the rows of Engram layer %1").arg(span.slot + 1)));
        break;
      case StepSpan::Kind::copy:
        laneNamed(timeline, StepWords::tr("To GPU"))
            .bars.push_back(
                bar(Kind::copy, begin, end, QString(),
                    span.slot < 0 ? StepWords::tr("what the CPU computed, on its way to the GPU")
                                  : StepWords::tr("rows of Engram layer %1 on their way to the GPU")
                                        .arg(span.slot + 1)));
        break;
      case StepSpan::Kind::compute: {
        const QString text = segmentText(layout, span);
        laneNamed(timeline, deviceText(layout, span.part))
            .bars.push_back(bar(Kind::compute, begin, end, text, text));
        break;
      }
    }
  }
}

QString headingOf(const TokenFacts& facts, const std::optional<StepTimes>& times) {
  const TokenCost cost = {static_cast<double>(facts.header.sample_us),
                          static_cast<double>(facts.header.wait_us),
                          static_cast<double>(facts.header.compute_us)};
  if (facts.header.sampled != 0) {
    return StepWords::tr("“%1” took %2: %3 to sample it, %4 waiting for rows, %5 computing")
        .arg(facts.text, format::microseconds(cost.totalUs()), format::microseconds(cost.pickUs),
             format::microseconds(cost.waitUs), format::microseconds(cost.computeUs));
  }
  const auto others =
      times ? static_cast<std::int64_t>(times->end) - static_cast<std::int64_t>(times->first) - 1
            : 0;
  if (others < 1) {
    return StepWords::tr(
               "“%1” was read with the prompt: its share is %2, %3 of it waiting for rows")
        .arg(facts.text, format::microseconds(cost.totalUs()), format::microseconds(cost.waitUs));
  }
  return StepWords::tr("“%1” was read with %2 in %3; its share is %4, %5 of it waiting for rows")
      .arg(facts.text,
           format::counted(others, StepWords::tr("%1 other token"),
                           StepWords::tr("%1 other tokens")),
           format::microseconds(times->total_us), format::microseconds(cost.totalUs()),
           format::microseconds(cost.waitUs));
}

}  // namespace

TokenCost costOf(const TraceRecord& record) {
  const TraceHeader& header = record.header();
  return {static_cast<double>(header.sample_us), static_cast<double>(header.wait_us),
          static_cast<double>(header.compute_us)};
}

StepTimeline timelineOf(const BranchTrace& trace, const InspectSource& source, int index) {
  const TokenFacts facts = factsOf(trace, source, index);
  const auto log = trace.log();
  const auto times = log ? log->steps().step_of(facts.event) : std::nullopt;
  const auto model = source.model();
  const double start = facts.header.sample_us;
  StepTimeline timeline;
  timeline.heading = headingOf(facts, times);
  if (start > 0) {
    laneNamed(timeline, StepWords::tr("Sampling"))
        .bars.push_back(bar(Kind::pick, 0, start, QString(), StepWords::tr("sampling the token")));
  }
  if (times && model) {
    addReads(timeline, facts, source.tiers().storage, start + times->asked_us);
    addSpans(timeline, model->layout, *times, start);
    timeline.end = start + times->total_us;
  } else {
    const double waited = start + facts.header.wait_us;
    timeline.end = waited + facts.header.compute_us;
    TimelineLane& lane = laneNamed(timeline, StepWords::tr("Totals"));
    if (waited > start) {
      lane.bars.push_back(
          bar(Kind::wait, start, waited, QString(), StepWords::tr("waiting for rows, all layers")));
    }
    lane.bars.push_back(bar(Kind::compute, waited, timeline.end, StepWords::tr("computing"),
                            StepWords::tr("computing, all layers")));
    timeline.note = format::counted(
        static_cast<std::int64_t>(StepLog::kStepsMax),
        StepWords::tr(
            "When each part ran is kept for the last %1 step since the program started; of "
            "this one the totals are left."),
        StepWords::tr(
            "When each part ran is kept for the last %1 steps since the program started; of "
            "this one the totals are left."));
  }
  // In the order of what waits for what.
  std::ranges::stable_sort(timeline.lanes, {}, [](const TimelineLane& lane) {
    const Kind kind = lane.bars.front().kind;
    return kind == Kind::lateRead ? Kind::read : kind;
  });
  for (const TimelineLane& lane : timeline.lanes) {
    for (const TimelineBar& one : lane.bars) {
      timeline.begin = std::min(timeline.begin, one.begin);
      timeline.end = std::max(timeline.end, one.end);
    }
  }
  return timeline;
}

QString costText(const BranchTrace& trace) {
  std::vector<double> totals;
  double waited = 0;
  double all = 0;
  for (int i = 0; i < trace.size(); ++i) {
    const TraceRecord record = trace.recordAt(i);
    if (record.header().sampled == 0) continue;
    const TokenCost cost = costOf(record);
    totals.push_back(cost.totalUs());
    waited += cost.waitUs;
    all += cost.totalUs();
  }
  if (totals.empty() || all <= 0) return {};
  const auto count = static_cast<std::int64_t>(totals.size());
  const auto at = totals.begin() + (count * 95 + 99) / 100 - 1;
  std::nth_element(totals.begin(), at, totals.end());
  return StepWords::tr("%1: %2 on average, %3 at the 95th percentile, %4 of it waiting for rows")
      .arg(format::counted(count, StepWords::tr("%1 token sampled"),
                           StepWords::tr("%1 tokens sampled")),
           format::microseconds(all / static_cast<double>(count)), format::microseconds(*at),
           format::percent(waited / all));
}

}  // namespace mneme
