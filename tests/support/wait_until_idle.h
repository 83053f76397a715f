// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <chrono>
#include <thread>

#include "engram/table_store.h"

namespace mneme {

// Rows are there a moment before their read is counted as over and its n-gram let go; then this
// returns. Not at all while a read stalls.
inline void wait_until_idle(const TableStore& store) {
  while (store.stats().in_flight > 0) std::this_thread::sleep_for(std::chrono::milliseconds(1));
}

}  // namespace mneme
