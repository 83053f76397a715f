// SPDX-License-Identifier: Apache-2.0
// How fast this machine can read memory, to judge decoding by.
#pragma once

namespace mneme {

// Reads a buffer much larger than the caches with `threads` threads, several times, and returns the
// best pass. Takes about a quarter of a second; 0 when there is no room for the buffer.
double measure_read_bandwidth_gb_s(int threads);

}  // namespace mneme
