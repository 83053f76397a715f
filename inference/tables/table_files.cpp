// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/table_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>

#include "base/file.h"
#include "engram/row_checksum.h"
#include "inference/tables/table_files_impl.h"
#include "inference/tables/table_scan.h"

namespace mneme {
namespace {

Result<bool> is_gguf(const std::string& path) {
  auto file = File::open(path);
  if (!file) return file.error();
  std::array<std::byte, 4> magic{};
  if (file->size() < magic.size()) {
    return Error{ErrorCode::corrupt,
                 fmt::format("{} is too short for a GGUF or safetensors file", path)};
  }
  RETURN_IF_ERROR(file->read_at(0, magic));
  return std::memcmp(magic.data(), "GGUF", magic.size()) == 0;
}

}  // namespace

std::uint64_t FoundTable::stored_bytes() const {
  if (source.page_rows != 0) {
    return (source.rows + source.page_rows - 1) / source.page_rows * source.page_bytes;
  }
  return source.rows * (source.row_bytes + (source.checksum_salt ? kRowChecksumBytes : 0));
}

Status finish_tables(const std::string& where, FoundTables& found) {
  if (found.tables.empty()) {
    return Error{ErrorCode::invalid, fmt::format("there is no n-gram table in {}", where)};
  }
  std::ranges::sort(found.tables, {}, &FoundTable::layer);
  for (std::size_t i = 1; i < found.tables.size(); ++i) {
    if (found.tables[i].layer == found.tables[i - 1].layer) {
      return Error{ErrorCode::corrupt,
                   fmt::format("{} has two tables for layer {}", where, found.tables[i].layer)};
    }
  }
  return {};
}

Result<FoundTables> find_tables(const std::vector<std::string>& paths) {
  if (paths.empty()) return Error{ErrorCode::invalid, "no file was named"};
  std::size_t ggufs = 0;
  for (const std::string& path : paths) {
    auto gguf = is_gguf(path);
    if (!gguf) return gguf.error();
    ggufs += *gguf ? 1 : 0;
  }
  if (ggufs != 0 && ggufs != paths.size()) {
    return Error{ErrorCode::invalid,
                 "the files are of different kinds: name the files of one model only"};
  }
  return ggufs != 0 ? find_gguf_tables(paths) : find_safetensors_tables(paths);
}

Result<std::vector<std::byte>> read_row(const FoundTable& table, RowId row) {
  if (row >= table.source.rows) {
    return Error{ErrorCode::invalid,
                 fmt::format("there is no row {}: the table has {}", row, table.source.rows)};
  }
  auto scan = TableScan::open(table);
  if (!scan) return scan.error();
  std::vector<std::byte> out(table.source.row_bytes);
  RETURN_IF_ERROR(scan->read(row, 1, out));
  return out;
}

}  // namespace mneme
