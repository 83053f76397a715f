// SPDX-License-Identifier: Apache-2.0
// What the rows of a token cost that have left RAM: from the record log and from the tables, the
// same tokens in turns, each store with the smallest RAM budget.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "engram/bench/paired.h"
#include "engram/ngram_hasher.h"
#include "engram/table_source.h"

namespace mneme {

struct EvictedOptions {
  int rounds = 9;
  std::size_t tokens = 10'000;  // that are written first; many more than the budget holds
};

struct EvictedRows {
  std::uint64_t records = 0;        // n-grams that were written first
  std::uint64_t bytes_written = 0;  // for them
  double log_us = 0;                // a token, median over rounds of the median
  double tables_us = 0;
  double log_reads = 0;  // requests to the drive, a token
  double tables_reads = 0;
  double log_bytes = 0;  // read from the drive, a token
  double tables_bytes = 0;
  PairedRatio times;  // tables / log
};

// `folder` gets the log for a while. Errors: those of the stores; io (no log could be made there);
// cancelled.
Result<EvictedRows> bench_evicted_rows(const NgramHasher& hasher,
                                       const std::vector<TableSource>& tables,
                                       const std::string& folder, const EvictedOptions& options,
                                       const std::function<void(std::string_view)>& progress,
                                       const std::atomic<bool>* cancel);

}  // namespace mneme
