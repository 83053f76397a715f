// SPDX-License-Identifier: Apache-2.0
// Reads a table from front to back, many rows at a time, whichever way it lies: for packing and for
// checking it. Through the page cache, with plain reads; immutable once open, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/file.h"
#include "base/ids.h"
#include "base/result.h"
#include "engram/table_map.h"
#include "inference/tables/table_files.h"

namespace mneme {

class TableScan {
 public:
  // Errors: as TableMap::create.
  static Result<TableScan> open(const FoundTable& table);

  // Rows first .. first + count - 1, one after another; out.size() is count * row_bytes. A row
  // without its checksum is an error `corrupt`, or is added to `damaged` where that is given.
  Status read(RowId first, std::uint64_t count, std::span<std::byte> out,
              std::vector<RowId>* damaged = nullptr) const;

 private:
  TableScan(TableMap map, std::vector<File> files)
      : map_(std::move(map)), files_(std::move(files)) {}

  TableMap map_;
  std::vector<File> files_;  // [map_.paths()]
};

}  // namespace mneme
