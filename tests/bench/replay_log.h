// SPDX-License-Identifier: Apache-2.0
// What the record log makes of a cache's misses, without a disk: the product's index and its places
// of records on one side, a log without end on the other.
#pragma once

#include <cstdint>
#include <vector>

#include "engram/bench/key_stream.h"

namespace mneme {

// Reads that a record counts in the simulation: most lie in one page, some in two. A record of the
// product counts as many reads as it has pages of 4 KiB.
constexpr double kSimulatedRecordReads = 1.35;

struct LoggedReads {
  double reads_per_token = 0;
  double bytes_written_per_token = 0;
};

// In all, `missed` says of each access of the stream that it was not in RAM, the second half is
// counted, and an n-gram has `rows` rows of `row_bytes` bytes, a read each.
LoggedReads replay_log(const KeyStream& stream, const std::vector<bool>& missed, std::uint64_t rows,
                       std::uint32_t row_bytes, std::uint64_t log_bytes);
LoggedReads simulate_log(const KeyStream& stream, const std::vector<bool>& missed,
                         std::uint64_t rows, std::uint32_t row_bytes);

}  // namespace mneme
