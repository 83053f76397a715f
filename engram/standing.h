// SPDX-License-Identifier: Apache-2.0
// How an n-gram stands in the row cache, which it takes along into the next start.
#pragma once

#include <cstdint>

namespace mneme {

// The numbers are in files (HOTSET.md).
enum class Standing : std::uint32_t {
  seldom = 0,
  often = 1,
  kept = 2,  // nothing evicts it: someone asked for that
};

// In the order in which a copy is made: a smaller budget the next time keeps what comes first.
constexpr Standing kStandings[] = {Standing::kept, Standing::often, Standing::seldom};

}  // namespace mneme
