// SPDX-License-Identifier: Apache-2.0
// The segment of the row cache that an n-gram is in. A hot set keeps it for the next start.
#pragma once

#include <cstdint>

namespace mneme {

// The numbers are in files (HOTSET.md).
enum class CacheSegment : std::uint32_t {
  seldom = 0,
  often = 1,
  kept = 2,  // never evicted, by the wish of the user
};

// The order in which a hot set is written: a smaller budget at the next start keeps the first ones.
constexpr CacheSegment kCacheSegments[] = {CacheSegment::kept, CacheSegment::often,
                                           CacheSegment::seldom};

}  // namespace mneme
