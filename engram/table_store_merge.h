// SPDX-License-Identifier: Apache-2.0
// Merges reads: rows that lie in the same or in neighbouring sectors are read together.
#pragma once

#include <cstdint>
#include <vector>

#include "engram/table_map.h"

namespace mneme {

// One row, or part of a row, that an entry of the cache needs.
struct WantedRow {
  std::uint32_t layer = 0;  // slot of the Engram layer, and of its table
  std::uint32_t part = 0;   // of the row, where a table keeps it in several places
  std::uint32_t into = 0;   // byte of the layer's rows in the entry where the part goes
  RowRange range;
  RowId row = 0;
  std::uint32_t entry = 0;  // the caller's own number of it
};

// One read that brings rows [first, first + count) of the sorted list.
struct MergedRead {
  std::uint32_t layer = 0;
  RowRange range;
  std::size_t first = 0;
  std::size_t count = 0;
};

// Sorts `rows` by layer, file and offset and covers them with reads, the first layer's first. Rows
// at most kMergeGapMax bytes apart share a read of at most kReadBytesMax.
constexpr std::uint32_t kMergeGapMax = 4096;  // a drive gives 4 KiB as fast as 512 bytes
void merge_reads(std::vector<WantedRow>& rows, std::vector<MergedRead>& out);

}  // namespace mneme
