// SPDX-License-Identifier: Apache-2.0
// When the parts of a step ran: waits for table rows, their way to a device, the segments. Of the
// last steps of a chat, in memory only; records of the trace keep the sums for ever. One writer,
// the engine thread; readers on any thread.
#pragma once

#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>
#include <vector>

#include "base/ids.h"

namespace mneme {

// Times are microseconds since the step began.
struct StepSpan {
  enum class Kind : std::uint8_t {
    wait,     // the engine, for the rows of an Engram layer
    copy,     // those rows, on their way to a device; without a slot, what the part before computed
    compute,  // a segment: what runs from one Engram layer's rows to the next one's
  };
  Kind kind = Kind::compute;
  std::int8_t slot = -1;  // whose rows; of a segment, the Engram layer it begins with; -1: none
  std::uint8_t part = 0;  // of the model's placement: 0 runs first
  float begin_us = 0;
  float end_us = 0;
  friend bool operator==(const StepSpan&, const StepSpan&) = default;
};

struct StepTimes {
  EventIndex first = 0;  // records [first, end) are of this step
  EventIndex end = 0;
  float asked_us = 0;  // when its rows were asked for: never above 0
  float total_us = 0;
  std::vector<StepSpan> spans;
};

class StepLog {
 public:
  static constexpr std::size_t kStepsMax = 4096;

  void add(StepTimes step);  // later than all before it; beyond kStepsMax the oldest goes
  std::optional<StepTimes> step_of(EventIndex event) const;  // none: gone, or never timed

 private:
  mutable std::mutex mutex_;
  std::deque<StepTimes> steps_;
};

}  // namespace mneme
