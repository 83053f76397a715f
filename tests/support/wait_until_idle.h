// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <gtest/gtest.h>

#include "engram/table_store.h"
#include "tests/support/wait_until.h"

namespace mneme {

// Rows are there a moment before their read is counted as over and its n-gram let go; then this
// returns.
inline void wait_until_idle(const TableStore& store) {
  ASSERT_TRUE(wait_until([&] { return store.stats().in_flight == 0; }));
}

}  // namespace mneme
