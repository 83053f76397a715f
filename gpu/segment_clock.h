// SPDX-License-Identifier: Apache-2.0
// When the segments of a step ran, as a backend learns it: from the host's clock, or from a
// device's, whose zero means nothing here. Engine thread.
#pragma once

#include <chrono>
#include <span>
#include <vector>

#include "gpu/backend.h"

namespace mneme {

class SegmentClock {
 public:
  void begin_step() {
    start_ = Clock::now();
    times_.clear();
  }
  double now_us() const {
    return std::chrono::duration<double, std::micro>(Clock::now() - start_).count();
  }
  void add(const SegmentTime& time) { times_.push_back(time); }

  // All times were a device's: moves them so that the last segment ends now.
  void end_now() {
    if (times_.empty()) return;
    const double shift = now_us() - times_.back().end_us;
    for (SegmentTime& time : times_) {
      time = {time.copy_begin_us + shift, time.copy_end_us + shift, time.begin_us + shift,
              time.end_us + shift};
    }
  }
  void clear() { times_.clear(); }

  std::span<const SegmentTime> times() const { return times_; }

 private:
  using Clock = std::chrono::steady_clock;
  Clock::time_point start_;
  std::vector<SegmentTime> times_;
};

}  // namespace mneme
