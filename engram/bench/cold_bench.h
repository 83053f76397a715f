// SPDX-License-Identifier: Apache-2.0
// How fast rows come that are not in RAM, by each arm, side by side: in every round all arms fetch
// the same n-grams in random order, from a page cache emptied before each; the drive's own speed is
// taken before and after the round (tiering.md P0). What one arm brings, all must bring.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "engram/bench/cold_arms.h"
#include "engram/bench/paired.h"

namespace mneme {

struct ColdOptions {
  std::uint32_t rounds = 9;
  std::uint32_t tokens = 40;         // decoded one after another, a round and arm
  std::uint32_t chunk_tokens = 512;  // prefilled at once, a round and arm
  std::uint64_t seed = 1;
};

struct ColdArmResult {
  std::string name;
  double token_us = 0;      // median over rounds of the median token
  double token_us_p99 = 0;  // over all tokens of all rounds
  double token_cpu_us = 0;  // processor time of the whole process, a token
  double chunk_rows_s = 0;  // rows of a chunk a second
  double chunk_cpu_us = 0;  // processor time a row
  PairedRatio token_times;  // its token against ours with the default reader; >1 = ours is faster
  PairedRatio token_cpu;    // its processor time against ours
  PairedRatio chunk_times;
};

struct ColdResult {
  std::uint32_t rows_per_token = 0;
  std::uint64_t table_bytes = 0;
  std::uint32_t rounds_kept = 0;
  std::uint32_t rounds_dropped = 0;  // the drive's speed moved by more than 30 %
  double resident_share = 0;         // of the file in the page cache before an arm's turn, at most
  double cpu_pressure = 0;           // share of time that something waited for a processor, at most
  double drive_reads_s = 0;          // the drive's own, median
  PairedRatio drive_share;           // our chunk's reads a second against the drive's own
  std::vector<ColdArmResult> arms;   // ours with the default reader first
};

// Errors: those of the arms; corrupt, naming the arm that brought other bytes than the first.
Result<ColdResult> bench_cold(const ColdTables& tables, const ColdOptions& options,
                              const std::function<void(std::string_view)>& progress,
                              const std::atomic<bool>* cancel);

}  // namespace mneme
