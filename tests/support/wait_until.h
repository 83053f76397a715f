// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <thread>

namespace mneme {

// Waits for what another thread or program does, however busy the machine is. False: it gave up,
// so that what never comes is a failed test instead of one that hangs.
template <typename Condition>
[[nodiscard]] bool wait_until(const Condition& condition) {
  const auto end = std::chrono::steady_clock::now() + std::chrono::minutes(5);
  while (!condition()) {
    if (std::chrono::steady_clock::now() > end) return false;
    std::this_thread::sleep_for(std::chrono::milliseconds(1));
  }
  return true;
}

}  // namespace mneme
