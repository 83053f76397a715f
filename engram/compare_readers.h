// SPDX-License-Identifier: Apache-2.0
// Compares rows that come through the table store (its cache, its merging, one of its readers) with
// plain reads of the files, byte for byte: random rows and those at edges of tables, shards and
// pages, while the RAM budget changes. For `mneme-cli check --compare` and tests. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/table_source.h"
#include "engram/table_store.h"
#include "engram/tier_stats.h"

namespace mneme {

struct CompareOptions {
  TableStoreOptions::Reader reader = TableStoreOptions::Reader::automatic;
  VerifyRows verify = VerifyRows::always;
  std::uint64_t rows = 100'000;  // of each table; those above 2^31 are not reached
  std::uint64_t budget_bytes_max = std::uint64_t{256} << 20;
  std::uint64_t seed = 1;
  std::string record_log;  // as in TableStoreOptions
  std::uint64_t record_log_bytes = 0;
  std::function<void(double fraction)> progress;
  const std::atomic<bool>* cancel = nullptr;
};

struct CompareResult {
  std::uint64_t rows = 0;         // compared, of all tables
  std::uint64_t straddling = 0;   // of those, in two pages of 4 KiB or more
  std::uint64_t repeated = 0;     // asked for again inside their batch
  std::uint64_t edges = 0;        // first and last rows, of tables, shards and pages
  std::uint64_t different = 0;    // anything but 0 is a bug or a broken drive
  std::uint64_t first_table = 0;  // and row, of the first that differs
  std::uint64_t first_row = 0;
  std::uint64_t budget_changes = 0;
  TierStats stats;
};

// Errors: those of TableStore::open and wait, and of the plain reads; cancelled.
Result<CompareResult> compare_readers(const std::vector<TableSource>& tables,
                                      const CompareOptions& options);

}  // namespace mneme
