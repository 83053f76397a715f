// SPDX-License-Identifier: Apache-2.0
// While it lives, says on a terminal's stderr when an answer waits for the drive: one line a stall.
#pragma once

#include <condition_variable>
#include <mutex>
#include <string>
#include <thread>

#include "inference/run/engine.h"

namespace mneme::cli {

// What an answer waits for, or "" as long as it has not waited for a second.
std::string stall_text(const TierStats& stats);

class StallNotice {
 public:
  explicit StallNotice(const Engine& engine);  // which outlives it
  ~StallNotice();
  StallNotice(const StallNotice&) = delete;
  StallNotice& operator=(const StallNotice&) = delete;

 private:
  void watch(const Engine& engine);

  std::mutex mutex_;
  std::condition_variable changed_;
  bool ended_ = false;
  std::thread thread_;  // none where stderr is no terminal
};

}  // namespace mneme::cli
