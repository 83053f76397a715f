// SPDX-License-Identifier: Apache-2.0
// Reads every row of the tables in a file and says which of them are damaged: by their checksums,
// by what synthetic rows must be, and by values that are not finite. For `mneme-cli check --full`.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/compare_readers.h"
#include "inference/tables/table_files.h"

namespace mneme {

struct RowCheck {
  std::uint64_t rows = 0;
  std::uint64_t bytes = 0;  // of rows
  bool checksums = false;   // the file has them, and they were compared
  bool computed = false;    // the rows are synthetic, and were computed again
  std::uint64_t damaged = 0;
  std::uint64_t not_finite = 0;    // rows with a NaN or an infinity
  std::vector<std::string> first;  // of the damaged, in words; at most kNamedMax
  static constexpr std::size_t kNamedMax = 10;
};

// Errors: io (a read that failed), cancelled. Damage is no error, but a result.
Result<RowCheck> check_rows(const FoundTables& found,
                            const std::function<void(double fraction)>& progress,
                            const std::atomic<bool>* cancel);

// `rows` rows of each table through the store by every reader that this system has, against plain
// reads; one result a reader. Errors: as compare_readers().
Result<std::vector<CompareResult>> compare_rows(
    const FoundTables& found, std::uint64_t rows,
    const std::function<void(double fraction)>& progress, const std::atomic<bool>* cancel);

}  // namespace mneme
