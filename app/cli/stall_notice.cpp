// SPDX-License-Identifier: Apache-2.0
#include "app/cli/stall_notice.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <cstdio>
#include <utility>

#include "inference/base/exceptions.h"

namespace mneme::cli {
namespace {

constexpr std::uint64_t kLongUs = 1'000'000;
constexpr auto kPause = std::chrono::milliseconds(200);

}  // namespace

std::string stall_line(const TierStats& stats) {
  if (stats.waiting_us < kLongUs) return {};
  return fmt::format(
      "[waiting for the drive: rows of the memory have not come for {} s, {} reads are open; "
      "Ctrl+C "
      "stops]",
      stats.waiting_us / kLongUs, stats.in_flight);
}

StallNotice::StallNotice(const Engine& engine) {
  if (::isatty(STDERR_FILENO) == 0) return;
  // Where there is no thread for it, the answer comes without.
  if (auto thread = start_thread("stall notice", [this, &engine] { watch(engine); })) {
    thread_ = std::move(*thread);
  }
}

StallNotice::~StallNotice() {
  if (!thread_.joinable()) return;
  {
    const std::lock_guard lock(mutex_);
    ended_ = true;
  }
  changed_.notify_one();
  thread_.join();
}

void StallNotice::watch(const Engine& engine) {
  bool said = false;
  std::unique_lock lock(mutex_);
  while (!changed_.wait_for(lock, kPause, [&] { return ended_; })) {
    const std::string line = stall_line(engine.tiers());
    // On a line of its own: the answer may have stopped in the middle of one.
    if (!line.empty() && !said) fmt::print(stderr, "\n{}\n", line);
    said = !line.empty();
  }
}

}  // namespace mneme::cli
