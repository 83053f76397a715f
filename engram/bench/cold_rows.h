// SPDX-License-Identifier: Apache-2.0
// How fast the table store brings rows that are not in RAM: one token after another, as in an
// answer, and many tokens at once, as in a prompt; beside the reads that the drive makes of the
// same pages by itself. Every n-gram is drawn at random, so hardly any comes twice.
#pragma once

#include <atomic>
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

struct ColdRowsOptions {
  std::uint32_t rounds = 9;
  std::uint32_t tokens = 40;         // read one after another, a round
  std::uint32_t chunk_tokens = 512;  // read at once, a round
  std::uint64_t seed = 1;
};

struct ColdRows {
  std::string reader;  // "io_uring" or "threads", as the system allows
  std::uint32_t rows_per_token = 0;
  std::uint64_t table_bytes = 0;
  std::uint32_t rounds_kept = 0;
  std::uint32_t rounds_dropped = 0;  // the drive's own speed moved by more than 30 % during them
  double resident_share = 0;  // of the file that could not be dropped from the page cache, at most
  double cpu_pressure = 0;    // share of time that something waited for a processor, at most
  // Medians over the rounds that were kept; 0 where none was.
  double token_us = 0;      // of the median token
  double token_us_p99 = 0;  // over all tokens of all rounds
  double token_cpu_us = 0;  // processor time of the whole process, a token
  double chunk_rows_s = 0;  // rows of a chunk a second
  double chunk_cpu_us = 0;  // processor time, a row of a chunk
  double drive_reads_s = 0;  // reads of 4 KiB a second by the drive alone
  PairedRatio drive_share;   // reads a second of a chunk over the drive's own
};

// Errors: those of TableStore::open; corrupt (other tables than `hasher` has layers); unsupported
// (tables in several files, rows in several parts; direct or asynchronous reads are refused);
// cancelled.
Result<ColdRows> bench_cold_rows(const NgramHasher& hasher, const std::vector<TableSource>& tables,
                                 const ColdRowsOptions& options,
                                 const std::function<void(std::string_view)>& progress,
                                 const std::atomic<bool>* cancel);

}  // namespace mneme
