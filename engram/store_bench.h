// SPDX-License-Identifier: Apache-2.0
// Measures a table store of its own on given tables: how fast rows come that are not in RAM, and
// what a hit costs. For `bench`; opens, reads and closes, and leaves nothing behind. Any thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engram/ngram_hasher.h"
#include "engram/table_source.h"
#include "engram/table_store.h"
#include "engram/tier_stats.h"
#include "inference/base/result.h"

namespace mneme {

struct StoreBenchOptions {
  TableStoreOptions::Reader reader = TableStoreOptions::Reader::automatic;
  std::uint32_t tokens = 64;         // decoded one by one
  std::uint32_t chunk_tokens = 512;  // prefilled at once
  std::uint32_t warm_rounds = 20;    // over the chunk, all in RAM
  std::uint64_t seed = 1;
};

struct StoreBenchResult {
  std::uint32_t rows_per_token = 0;  // all orders, heads and layers
  double cold_token_us = 0;          // median: rows of one token, nothing in RAM
  double cold_chunk_rows_s = 0;      // rows of a prefill chunk a second, nothing in RAM
  double warm_row_ns = 0;            // prefetch, wait and copy of a row that is in RAM
  TierStats stats;                   // of the whole run; says what was read from what
};

// Errors: those of TableStore::open and wait.
Result<StoreBenchResult> bench_store(const NgramHasher& hasher,
                                     const std::vector<TableSource>& tables,
                                     const StoreBenchOptions& options);

}  // namespace mneme
