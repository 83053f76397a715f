// SPDX-License-Identifier: Apache-2.0
#include "ui/bridge/settle_reads.h"

#include <thread>

namespace mneme {

bool settleReads(const Engine& engine, std::chrono::milliseconds atMost) {
  const auto end = std::chrono::steady_clock::now() + atMost;
  while (engine.tiers().in_flight > 0) {
    if (std::chrono::steady_clock::now() >= end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  }
  return true;
}

}  // namespace mneme
