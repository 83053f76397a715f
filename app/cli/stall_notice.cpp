// SPDX-License-Identifier: Apache-2.0
#include "app/cli/stall_notice.h"

#include <fmt/format.h>
#include <unistd.h>

#include <chrono>
#include <utility>

#include "app/cli/interrupt.h"
#include "app/cli/streams.h"
#include "base/exceptions.h"

namespace mneme::cli {
namespace {

constexpr std::uint64_t kLongUs = 1'000'000;
constexpr auto kPause = std::chrono::milliseconds(200);

}  // namespace

std::string stall_text(const TierStats& stats) {
  if (stats.waiting_us < kLongUs) return {};
  return fmt::format("the drive: rows of the memory have not come for {} s, {} reads are open",
                     stats.waiting_us / kLongUs, stats.in_flight);
}

StallNotice::StallNotice(const Engine& engine) {
  set_wait_reason([&engine] { return stall_text(engine.tiers()); });
  if (::isatty(STDERR_FILENO) == 0) return;
  // Where there is no thread for it, the answer comes without.
  if (auto thread = start_thread("stall notice", [this, &engine] { watch(engine); })) {
    thread_ = std::move(*thread);
  }
}

StallNotice::~StallNotice() {
  set_wait_reason({});
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
    const std::string text = stall_text(engine.tiers());
    // On a line of its own: the answer may have stopped in the middle of one.
    if (!text.empty() && !said) print_err("\n[waiting for {}; Ctrl+C stops]\n", text);
    said = !text.empty();
  }
}

}  // namespace mneme::cli
