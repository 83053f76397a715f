// SPDX-License-Identifier: Apache-2.0
// Many rows, few reads: rows that lie in the same or in neighbouring sectors are read together.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "engram/row_cache.h"

namespace mneme {

// One row that an entry of the cache needs.
struct WantedRow {
  std::uint32_t layer = 0;  // slot of the Engram layer, and of its table
  std::uint32_t head = 0;
  std::uint64_t offset = 0;  // absolute, bytes into the table's file
  RowCache::Pin pin{};
};

// One read that brings rows [first, first + count) of the sorted list.
struct MergedRead {
  std::uint32_t layer = 0;
  std::uint32_t size = 0;  // bytes
  std::uint64_t offset = 0;
  std::size_t first = 0;
  std::size_t count = 0;
};

// Sorts `rows` by layer and offset and covers them with reads, the first layer's first. Rows at
// most kMergeGapMax bytes apart share a read of at most kReadBytesMax.
constexpr std::uint32_t kMergeGapMax = 4096;  // a drive gives 4 KiB as fast as 512 bytes
void merge_reads(std::vector<WantedRow>& rows, std::span<const std::uint32_t> row_bytes,
                 std::vector<MergedRead>& out);

}  // namespace mneme
