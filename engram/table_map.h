// SPDX-License-Identifier: Apache-2.0
// From (table, row) to byte ranges of files: the one place that knows how tables lie. Checked
// against the files when it is made, then immutable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/table_source.h"

namespace mneme {

// What to read of one part of a row: the part, and its checksum where there is one.
struct RowRange {
  std::uint32_t file = 0;  // index into TableMap::paths()
  std::uint32_t size = 0;  // bytes, 1..kReadBytesMax
  std::uint64_t offset = 0;
};

class TableMap {
 public:
  // Errors: io (no such file); unsupported (rows too large to read); corrupt (parts that do not add
  // up, a file that ends before its rows do). `names[i]` stands for table i in messages.
  static Result<TableMap> create(std::vector<TableSource> tables, std::vector<std::string> names);

  std::size_t size() const { return tables_.size(); }
  const TableSource& table(std::size_t table) const { return tables_.at(table).source; }
  const std::vector<std::string>& paths() const { return paths_; }  // each once
  std::uint64_t bytes() const { return bytes_; }                    // of all rows

  std::size_t parts(std::size_t table) const { return tables_[table].parts.size(); }
  // Where a part's bytes go in the row, and how many they are.
  std::uint32_t part_begin(std::size_t table, std::size_t part) const {
    return tables_[table].parts[part].begin;
  }
  std::uint32_t part_bytes(std::size_t table, std::size_t part) const {
    return tables_[table].parts[part].bytes;
  }
  RowRange locate(std::size_t table, std::size_t part, RowId row) const;

  // `bytes` is what locate() named, the checksum last; ok where there is none. Errors: corrupt,
  // naming table, row, file and place.
  Status verify(std::size_t table, RowId row, std::span<const std::byte> bytes) const;
  bool has_checksums(std::size_t table) const {
    return tables_[table].source.checksum_salt.has_value();
  }

 private:
  struct Run {
    std::uint64_t first_row;
    std::uint64_t offset;
    std::uint32_t file;
  };
  struct MappedPart {
    std::uint32_t begin;
    std::uint32_t bytes;
    std::uint32_t stride;  // from row to row, the checksum included
    std::vector<Run> runs;
  };
  struct Table {
    TableSource source;
    std::string name;
    std::vector<MappedPart> parts;
  };

  Status add(TableSource source, std::string name);
  Result<Run> add_run(const Table& table, const RowRun& run, std::uint32_t stride);

  std::vector<Table> tables_;
  std::vector<std::string> paths_;
  std::vector<std::uint64_t> file_bytes_;  // [paths]
  std::uint64_t bytes_ = 0;
};

}  // namespace mneme
