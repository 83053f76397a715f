// SPDX-License-Identifier: Apache-2.0
// How many threads to decode with while other programs want the cores too. A token has three
// hundred barriers, and at each of them all threads wait for one that is not running; fewer threads
// are then faster. The number falls after a step with slow barriers and rises by one after many
// calm steps; each rise that fails makes the next one later.
#pragma once

#include <algorithm>

namespace mneme {

class ThreadChoice {
 public:
  explicit ThreadChoice(int threads_max) : threads_max_(threads_max), threads_(threads_max) {}

  int threads() const { return threads_; }

  // After a step: how many waits at its barriers outlasted the spinning.
  void learn(int slow_barriers) {
    if (slow_barriers > kSlowBarriersNormal) {
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
  // A thread that wakes up is late at its first barrier.
  static constexpr int kSlowBarriersNormal = 2;
  static constexpr int kCalmStepsMin = 16;
  static constexpr int kCalmStepsMax = 512;

  const int threads_max_;
  int threads_;
  int calm_steps_ = kCalmStepsMin;  // since the number last changed
  int patience_ = kCalmStepsMin;    // calm steps before another thread is tried
};

}  // namespace mneme
