// SPDX-License-Identifier: Apache-2.0
// What happened when in the step that a token was evaluated in, as lanes of bars: picking, reads,
// waits for rows, their way to a GPU, what each device computed. From the token's record and, for
// the last steps of a session, from its times. Plain data; the functions run on the UI thread.
#pragma once

#include <QString>
#include <cstdint>
#include <vector>

#include "ui/models/branch_trace.h"
#include "ui/models/inspect_source.h"

namespace mneme {

// Times are microseconds since the engine began to pick the token, or to read the prompt's chunk.
struct TimelineBar {
  enum class Kind : std::uint8_t { pick, read, lateRead, wait, copy, compute };
  Kind kind = Kind::compute;
  double begin = 0;
  double end = 0;
  QString label;  // inside the bar, where there is room
  QString tip;
  int row = 0;  // of its lane's
};

struct TimelineLane {
  QString name;
  std::vector<TimelineBar> bars;
  int rows = 1;
};

struct StepTimeline {
  QString heading;  // what the step took, in a sentence
  QString note;     // why it shows less than it could; empty: it shows all
  double begin = 0;
  double end = 0;
  std::vector<TimelineLane> lanes;
};

StepTimeline timelineOf(const BranchTrace& trace, const InspectSource& source, int index);

// What a token cost, for a bar and for sums; a prompt token's share of its chunk.
struct TokenCost {
  double pickUs = 0;
  double waitUs = 0;
  double computeUs = 0;
  double totalUs() const { return pickUs + waitUs + computeUs; }
};
TokenCost costOf(const TraceRecord& record);

// "312 tokens picked: 5.3 ms each on average, 6.1 ms at the 95th percentile, 2 % of it waiting".
// Empty: none were.
QString costText(const BranchTrace& trace);

}  // namespace mneme
