// SPDX-License-Identifier: Apache-2.0
// Where the table of an Engram layer lies, in whatever kind of file. A row has one part or more
// (weights and scales may be different tensors of different files), and a part has one run of rows
// or more (a tensor cut into shards). What the bytes mean is in RowFormat (inference/tables).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

namespace mneme {

// Consecutive rows of one part, in one file.
struct RowRun {
  std::string path;
  std::uint64_t offset = 0;  // of its first row, bytes into the file
  std::uint64_t rows = 0;
};

struct RowPart {
  std::uint32_t bytes = 0;   // of each row
  std::vector<RowRun> runs;  // in the order of the rows; together all of them
};

struct TableSource {
  std::uint64_t rows = 0;
  std::uint32_t row_bytes = 0;  // of a whole row: its parts, one after another
  std::vector<RowPart> parts;

  // Packs with pages (PACK.md), which have one part: page_rows rows at the head of each page of
  // page_bytes, so that no row lies in two. 0 = rows lie one after another.
  std::uint32_t page_bytes = 0;
  std::uint32_t page_rows = 0;
  // Each row is followed by its row_checksum() with this salt; row_bytes does not count it.
  std::optional<std::uint64_t> checksum_salt;
};

// Rows one after another in one file, as in most files.
inline TableSource plain_table(std::string path, std::uint64_t offset, std::uint64_t rows,
                               std::uint32_t row_bytes) {
  TableSource table;
  table.rows = rows;
  table.row_bytes = row_bytes;
  table.parts = {{row_bytes, {{std::move(path), offset, rows}}}};
  return table;
}

}  // namespace mneme
