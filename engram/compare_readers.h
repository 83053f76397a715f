// SPDX-License-Identifier: Apache-2.0
// A self-test of reading: rows that a TableStore delivers (through its cache, its merged reads and
// one of its readers) are compared byte for byte with the same rows read plainly from the files.
// The rows are random ones and those at the edges of tables, shards and pages; the RAM budget
// changes meanwhile. For `mneme-cli check --compare` and tests.
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
  VerifyRows verify = VerifyRows::always;  // of the store; the comparison itself checks all
  std::uint64_t rows = 100'000;  // to compare in each table; rows from 2^31 on are never chosen
  std::uint64_t budget_bytes_max = std::uint64_t{256}
                                   << 20;  // RAM budgets are 1 to this, at random
  std::uint64_t seed = 1;                  // of the random rows and budgets
  std::string record_log;                  // this and the next as in TableStoreOptions
  std::uint64_t record_log_bytes = 0;
  std::function<void(double fraction)> progress;  // 0..1, on the calling thread after each batch
  const std::atomic<bool>* cancel = nullptr;      // may be set from another thread
};

struct CompareResult {
  std::uint64_t rows = 0;        // compared, in all tables together
  std::uint64_t straddling = 0;  // of `rows`, those that cross a 4 KiB boundary of their file
  std::uint64_t different = 0;   // of `rows`; above 0: a bug, a broken drive or a changed file
  // The first row that differed, and the index of its table; valid where `different` is above 0.
  std::uint64_t first_table = 0;
  std::uint64_t first_row = 0;
  // Row numbers; each is asked of every table, but counts once.
  std::uint64_t repeated = 0;  // asked for again in the same batch
  std::uint64_t edges = 0;     // at an edge of a table, shard or page
  std::uint64_t budget_changes = 0;
  TierStats stats;  // of the store, at the end
};

// Runs on the calling thread; any thread. Rows that differ are counted, they are no error. Errors:
// those of TableStore::open and wait; io, of the plain reads; cancelled.
Result<CompareResult> compare_readers(const std::vector<TableSource>& tables,
                                      const CompareOptions& options);

}  // namespace mneme
