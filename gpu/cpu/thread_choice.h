// SPDX-License-Identifier: Apache-2.0
// How many threads to decode with while other programs want the cores too. Threads that meet three
// hundred times a token all wait for the one that is not running; fewer threads are then faster.
// Fewer after a step with long waits, one more after many calm steps, more slowly each time it
// fails.
#pragma once

#include <algorithm>

namespace mneme {

class ThreadChoice {
 public:
  explicit ThreadChoice(int threads_max) : threads_max_(threads_max), threads_(threads_max) {}

  int threads() const { return threads_; }

  // After a step: how many of its waits outlasted the spinning.
  void learn(int long_waits) {
    if (long_waits > kLongWaitsNormal) {
      if (calm_steps_ < kCalmStepsMin) patience_ = std::min(2 * patience_, kCalmStepsMax);
      threads_ = std::max(1, threads_ - std::max(1, threads_ / 4));
      calm_steps_ = 0;
      return;
    }
    ++calm_steps_;
    if (threads_ == threads_max_) {
      if (calm_steps_ >= kCalmStepsMin) patience_ = kCalmStepsMin;
    } else if (calm_steps_ >= patience_) {
      ++threads_;
      calm_steps_ = 0;
    }
  }

 private:
  static constexpr int kLongWaitsNormal = 2;  // a thread that wakes up is late at its first meeting
  static constexpr int kCalmStepsMin = 16;
  static constexpr int kCalmStepsMax = 512;

  const int threads_max_;
  int threads_;
  int calm_steps_ = kCalmStepsMin;  // since the number last changed
  int patience_ = kCalmStepsMin;    // calm steps before another thread is tried
};

}  // namespace mneme
