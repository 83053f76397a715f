// SPDX-License-Identifier: Apache-2.0
// Replays a stream of n-grams through the product's row cache and through reference caches of the
// same RAM, without a disk: hit rates and disk reads a token that depend on nothing but the stream. The first half warms up, the second is counted.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "engram/bench/key_stream.h"
#include "engram/ngram_hasher.h"

namespace mneme {

struct ReplayResult {
  std::string stream;
  std::uint64_t budget_bytes = 0;  // of all layers together
  std::string policy;  // "mneme", "mneme, simulated", "S3-FIFO", "LRU rows", "memory map", and logs
  double hit_rate = 0;         // of n-grams
  double reads_per_token = 0;  // requests to the drive; for the memory map pages that were faulted
  double ns_per_ngram = 0;     // look-up, insertion and eviction, without rows; "mneme" only
  double bytes_written_per_token = 0;  // to a record log
};

// The record logs that "mneme" is replayed with; the second is never full. A record costs as many
// reads as it has pages. The simulator's log has no end (replay_log.h).
constexpr const char* kReplayLog = "mneme, 16 GiB log";
constexpr std::uint64_t kReplayLogBytes = std::uint64_t{16} << 30;
constexpr const char* kReplayEndlessLog = "mneme, 64 GiB log";
constexpr std::uint64_t kReplayEndlessLogBytes = std::uint64_t{64} << 30;
constexpr const char* kSimulatedLog = "S3-FIFO, log";

// Progress is told before each run. `row_bytes`: of a table row.
//
// What the budget pays: "mneme" payload and metadata of entries, as in the product; its simulation,
// "S3-FIFO" (the goal) and "LRU rows" payload only; "memory map" whole pages of 4 KiB, least
// recently used out.
std::vector<ReplayResult> replay(const KeyStream& stream, const NgramHasher& hasher,
                                 std::uint32_t row_bytes, const std::vector<std::uint64_t>& budgets,
                                 const std::function<void(std::string_view)>& progress);

// The predicted hit rate at each budget from one pass, and its price.
struct CurveCheck {
  std::vector<double> predicted;  // [budgets]
  double ns_per_ngram = 0;
};
CurveCheck check_curve(const KeyStream& stream, const NgramHasher& hasher, std::uint32_t row_bytes,
                       const std::vector<std::uint64_t>& budgets);

// What a saved hot set is worth: the hit rate over the first `tokens` of the second half, from an
// empty cache and from one that begins with what the first half left behind.
struct RestartCheck {
  double cold = 0;
  double warm = 0;
};
RestartCheck check_restart(const KeyStream& stream, const NgramHasher& hasher,
                           std::uint32_t row_bytes, std::uint64_t budget, std::uint64_t tokens);

}  // namespace mneme
