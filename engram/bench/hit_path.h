// SPDX-License-Identifier: Apache-2.0
// What a row costs that is in RAM: prefetch, wait for every layer and release of one token's
// n-grams through a whole TableStore, against a positional read of the same row from the system's
// page cache.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace mneme {

struct HitPathResult {
  std::uint64_t entries = 0;         // n-grams in RAM; tokens ask for them at random
  std::uint32_t rows_per_token = 0;  // all orders, heads and layers
  // Processor time, medians over rounds: others use the machine too.
  double row_ns = 0;       // through the store, hash included
  double pread_ns = 0;     // from the page cache
  double pread_ratio = 0;  // pread_ns / row_ns, median of the rounds
  // The hot set of these n-grams, through a file in `folder` that is not in the page cache.
  std::uint64_t hot_set_bytes = 0;
  double save_seconds = 0;
  double restore_seconds = 0;  // until all are in RAM again
};

// Rows and shapes of V4.1. `folder` takes an empty file; `budget_bytes` of RAM are filled.
Result<HitPathResult> bench_hit_path(const std::string& folder, std::uint64_t budget_bytes);

}  // namespace mneme
