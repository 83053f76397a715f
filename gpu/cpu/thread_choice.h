// SPDX-License-Identifier: Apache-2.0
// How many threads to decode with while other programs want the cores too. Threads come to a
// barrier three hundred times a token, and all of them wait for the one that is not running. Once n
// threads lose 1/n of their time like that, n - 1 threads are as fast. One more thread is tried
// again after a while, later each time that it fails.
#pragma once

#include <algorithm>
#include <chrono>

namespace mneme {

class ThreadChoice {
 public:
  using Time = std::chrono::nanoseconds;

  explicit ThreadChoice(int threads_max) : threads_max_(threads_max), threads_(threads_max) {}

  int threads() const { return threads_; }

  // After a step with that many threads: how long it took, and how long its threads slept at
  // barriers, the sum over all of them.
  void learn(Time step, Time slept) {
    time_ += step;
    slept_ += slept;
    if (time_ < kWindow) return;
    // All but one wait, so the lost share is slept_ / ((n - 1) * time_). Compared with 4/5 of 1/n:
    // n threads are never n times as fast as one.
    const bool crowded = 5 * slept_ * threads_ > 4 * time_ * (threads_ - 1);
    if (crowded) {
      if (calm_ < kPatienceMin) patience_ = std::min(2 * patience_, kPatienceMax);
      threads_ = std::max(1, threads_ - std::max(1, threads_ / 4));
      calm_ = {};
    } else {
      calm_ += time_;
      if (threads_ == threads_max_) {
        if (calm_ >= kPatienceMin) patience_ = kPatienceMin;
      } else if (calm_ >= patience_) {
        ++threads_;
        calm_ = {};
      }
    }
    time_ = slept_ = {};
  }

 private:
  // Long against the time that another program keeps a core when it has something to do.
  static constexpr Time kWindow = std::chrono::milliseconds(150);
  static constexpr Time kPatienceMin = std::chrono::seconds(1);
  static constexpr Time kPatienceMax = std::chrono::seconds(8);

  const int threads_max_;
  int threads_;
  Time time_{}, slept_{};         // of the steps since the last decision
  Time calm_ = kPatienceMin;      // without much waiting, since the number last changed
  Time patience_ = kPatienceMin;  // calm time before another thread is tried
};

}  // namespace mneme
