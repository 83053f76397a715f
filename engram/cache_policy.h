// SPDX-License-Identifier: Apache-2.0
// The constants of the row cache's eviction policy, a variant of S3-FIFO that row_cache.h
// describes; shared with MiniatureCache, which predicts its hit rate.
#pragma once

#include <algorithm>
#include <cstdint>

namespace mneme {

// Ghosts remembered for each entry that the cache has room for.
constexpr std::uint32_t kGhostsPerEntry = 2;

// The small queue is full with this many entries; the rest is the main queue's. One number decides
// both: with a gap between them for rounding, the main queue would always seem to have room.
constexpr std::uint32_t small_share(std::uint32_t capacity) {
  return std::max<std::uint32_t>(1, capacity / 10);
}

}  // namespace mneme
