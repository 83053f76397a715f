// SPDX-License-Identifier: Apache-2.0
// How fast this machine can read memory, to judge decoding by.
#pragma once

#include <cstddef>
#include <cstdint>

#include "base/result.h"

namespace mneme {

// Reads a buffer much larger than the caches with `threads` threads, several times, and returns the
// best pass. Takes about a quarter of a second. Errors: out_of_memory, where the system has no room
// for the buffer or no thread.
Result<double> measure_read_bandwidth_gb_s(int threads);

// Bytes of that buffer where so many are free: a machine with little room must not swap for it.
// 0: too few to measure by.
std::size_t bandwidth_buffer_bytes(std::uint64_t free_bytes);

}  // namespace mneme
