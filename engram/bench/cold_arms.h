// SPDX-License-Identifier: Apache-2.0
// Ways to bring rows that are not in RAM, ours and those of other programs, behind one face, so
// that they can be measured side by side. One thread calls an arm.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <span>
#include <string_view>
#include <vector>

#include "engram/ngram_hasher.h"
#include "engram/table_map.h"
#include "engram/table_source.h"
#include "engram/table_store.h"
#include "inference/base/result.h"

namespace mneme {

class ColdArm {
 public:
  virtual ~ColdArm() = default;
  virtual std::string_view name() const = 0;

  // Brings all rows of the n-grams and waits for them: out = [layers][keys][heads][row bytes].
  virtual Status fetch(std::span<const NgramKey> keys, std::span<std::byte> out) = 0;

  // Requests sent to the drive so far; 0 where the system sends them.
  virtual std::uint64_t reads() const = 0;
  // Lets go of the page cache's pages, so that they can be dropped.
  virtual void let_go() {}
};

// Tables, and how their rows are found; outlives the arms.
struct ColdTables {
  // Errors: those of TableMap; unsupported (tables in several files, rows in parts).
  static Result<ColdTables> create(const NgramHasher& hasher, std::vector<TableSource> tables);

  const NgramHasher* hasher;
  std::vector<TableSource> sources;  // [layers]
  TableMap map;

  const std::string& path() const { return map.paths().front(); }
  std::uint64_t bytes_per_key() const;
};

// Serial page faults through a mapping that is told to expect random access.
Result<std::unique_ptr<ColdArm>> open_memory_map_arm(const ColdTables& tables);
// A pool of threads, each with one read past the page cache at a time; no cache: rows are cold.
Result<std::unique_ptr<ColdArm>> open_thread_pool_arm(const ColdTables& tables, int threads);
// Batches of native asynchronous I/O behind a cache of rows, least recently used out.
Result<std::unique_ptr<ColdArm>> open_aio_lru_arm(const ColdTables& tables);
// Our table store. Its RAM budget is small: rows are cold.
Result<std::unique_ptr<ColdArm>> open_store_arm(const ColdTables& tables,
                                                TableStoreOptions::Reader reader);

// The pages of 4 KiB that hold the rows of `keys`, each once.
std::vector<std::uint64_t> pages_of(const ColdTables& tables, std::span<const NgramKey> keys);

// What the drive itself can do: reads of 4 KiB a second, any of `pages` (not empty), past the page
// cache, with `depth` of them under way for `seconds`.
Result<double> drive_reads_per_second(const std::string& path, std::span<const std::uint64_t> pages,
                                      unsigned depth, double seconds, std::uint64_t seed);

}  // namespace mneme
