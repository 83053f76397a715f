// SPDX-License-Identifier: Apache-2.0
#include "engram/table_map.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/file.h"
#include "engram/row_checksum.h"
#include "engram/row_reader.h"

namespace mneme {
namespace {

Error corrupt(std::string message) {
  return Error{ErrorCode::corrupt, std::move(message)};
}

// A table comes from a file that anyone may have written.
Status check_shape(const TableSource& source, const std::string& name) {
  if (source.row_bytes == 0 || source.row_bytes > kReadBytesMax - kRowChecksumBytes) {
    return Error{ErrorCode::unsupported,
                 fmt::format("the rows of {} have {} bytes, where 1 to {} can be read", name,
                             source.row_bytes, kReadBytesMax - kRowChecksumBytes)};
  }
  std::uint64_t row_bytes = 0;
  for (const RowPart& part : source.parts) {
    row_bytes += part.bytes;
    std::uint64_t left = source.rows;
    bool fits = part.bytes > 0;
    for (const RowRun& run : part.runs) {
      fits = fits && run.rows <= left;
      left -= run.rows;
    }
    if (!fits || left != 0) {
      return corrupt(
          fmt::format("the parts of {} do not add up to its {} rows", name, source.rows));
    }
  }
  if (row_bytes != source.row_bytes) {
    return corrupt(fmt::format("the parts of {} do not add up to its rows of {} bytes", name,
                               source.row_bytes));
  }
  const bool one_run = source.parts.size() == 1 && source.parts[0].runs.size() == 1;
  const std::uint64_t stride =
      source.row_bytes + (source.checksum_salt ? std::uint64_t{kRowChecksumBytes} : 0);
  if ((source.page_rows == 0) != (source.page_bytes == 0) ||
      source.page_rows * stride > source.page_bytes ||
      (!one_run && (source.page_rows != 0 || source.checksum_salt))) {
    return corrupt(fmt::format("{} rows of {} bytes do not lie in the pages of {}",
                               source.page_rows, stride, name));
  }
  return {};
}

}  // namespace

Result<TableMap> TableMap::create(std::vector<TableSource> tables, std::vector<std::string> names) {
  CHECK(tables.size() == names.size());
  TableMap map;
  for (std::size_t i = 0; i < tables.size(); ++i) {
    RETURN_IF_ERROR(map.add(std::move(tables[i]), std::move(names[i])));
  }
  return map;
}

Status TableMap::add(TableSource source, std::string name) {
  RETURN_IF_ERROR(check_shape(source, name));
  Table table{std::move(source), std::move(name), {}};
  std::uint32_t begin = 0;
  for (const RowPart& part : table.source.parts) {
    const std::uint32_t checksum = table.source.checksum_salt ? kRowChecksumBytes : 0;
    MappedPart out{begin, part.bytes, part.bytes + checksum, {}};
    std::uint64_t first_row = 0;
    for (const RowRun& run : part.runs) {
      if (run.rows == 0) continue;
      auto added = add_run(table, run, out.stride);
      if (!added) return added.error();
      added->first_row = first_row;
      out.runs.push_back(*added);
      first_row += run.rows;
    }
    begin += part.bytes;
    table.parts.push_back(std::move(out));
  }
  bytes_ += table.source.rows * table.source.row_bytes;
  tables_.push_back(std::move(table));
  return {};
}

Result<TableMap::Run> TableMap::add_run(const Table& table, const RowRun& run,
                                        std::uint32_t stride) {
  const auto known = std::ranges::find(paths_, run.path);
  const auto file = static_cast<std::size_t>(known - paths_.begin());
  if (known == paths_.end()) {
    auto opened = File::open(run.path);
    if (!opened) return opened.error();
    paths_.push_back(run.path);
    file_bytes_.push_back(opened->size());
  }
  const std::uint64_t bytes = file_bytes_[file];
  const std::uint64_t room = bytes < run.offset ? 0 : bytes - run.offset;
  const std::uint64_t page_rows = table.source.page_rows;
  const bool fits = page_rows == 0 ? run.rows <= room / stride
                                   : (run.rows - 1) / page_rows < room / table.source.page_bytes;
  if (!fits) {
    return corrupt(fmt::format("{} ends at byte {}, before the {} rows of {} do: it was cut off",
                               run.path, bytes, run.rows, table.name));
  }
  return Run{0, run.offset, static_cast<std::uint32_t>(file)};
}

RowRange TableMap::locate(std::size_t table, std::size_t part, RowId row) const {
  const Table& t = tables_[table];
  const MappedPart& p = t.parts[part];
  CHECK(row < t.source.rows);
  const Run* run = p.runs.data();
  if (p.runs.size() > 1) {
    run = &*std::prev(std::ranges::upper_bound(p.runs, row, {}, &Run::first_row));
  }
  const std::uint64_t index = row - run->first_row;
  const std::uint64_t page_rows = t.source.page_rows;
  const std::uint64_t within =
      page_rows == 0 ? index * p.stride
                     : index / page_rows * t.source.page_bytes + index % page_rows * p.stride;
  return {run->file, p.stride, run->offset + within};
}

Status TableMap::verify(std::size_t table, RowId row, std::span<const std::byte> bytes) const {
  const Table& t = tables_[table];
  if (!t.source.checksum_salt) return {};
  CHECK(bytes.size() == t.source.row_bytes + kRowChecksumBytes);
  std::uint32_t stored = 0;
  std::memcpy(&stored, bytes.data() + t.source.row_bytes, kRowChecksumBytes);
  if (stored == row_checksum(*t.source.checksum_salt, row, bytes.first(t.source.row_bytes))) {
    return {};
  }
  const RowRange range = locate(table, 0, row);
  return corrupt(fmt::format(
      "row {} of {} at byte {} of {} is not what was written there: the file or the drive is "
      "damaged; `mneme-cli check --full` says how much of it",
      row, t.name, range.offset, paths_[range.file]));
}

}  // namespace mneme
