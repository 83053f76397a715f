// SPDX-License-Identifier: Apache-2.0
#include "tests/support/table_layouts.h"

#include <cstring>
#include <fstream>
#include <functional>

#include "engram/row_checksum.h"

namespace mneme {
namespace {

using Bytes = std::vector<std::byte>;

constexpr std::uint32_t kTailBytes = 8;  // of a row, when its parts lie apart
constexpr std::uint32_t kPageBytes = 4096;

Bytes row_of(const NumberedTables& tables, std::size_t layer, std::uint64_t row) {
  Bytes bytes;
  for (std::uint32_t i = 0; i < tables.tables()[layer].row_bytes; ++i) {
    bytes.push_back(numbered_byte(layer, row, i));
  }
  return bytes;
}

// A file that grows at its end.
class Output {
 public:
  explicit Output(std::string path) : path_(std::move(path)) {
    std::ofstream(path_, std::ios::binary) << "head of no particular length";
  }
  const std::string& path() const { return path_; }

  std::uint64_t append(const Bytes& bytes) {
    std::ofstream out(path_, std::ios::binary | std::ios::app);
    const auto at = static_cast<std::uint64_t>(out.tellp());
    out.write(reinterpret_cast<const char*>(bytes.data()),
              static_cast<std::streamsize>(bytes.size()));
    return at;
  }

 private:
  std::string path_;
};

RowRun write_run(Output& out, std::uint64_t first, std::uint64_t rows,
                 const std::function<Bytes(std::uint64_t)>& bytes_of) {
  Bytes all;
  for (std::uint64_t row = first; row < first + rows; ++row) {
    const Bytes bytes = bytes_of(row);
    all.insert(all.end(), bytes.begin(), bytes.end());
  }
  return {out.path(), out.append(all), rows};
}

TableSource in_pages(const NumberedTables& tables, std::size_t layer, Output& out) {
  TableSource table;
  table.rows = tables.tables()[layer].rows;
  table.row_bytes = tables.tables()[layer].row_bytes;
  table.checksum_salt = layer << 48;
  table.page_bytes = kPageBytes;
  table.page_rows = kPageBytes / (table.row_bytes + kRowChecksumBytes);
  Bytes all;
  for (std::uint64_t row = 0; row < table.rows; ++row) {
    if (row > 0 && row % table.page_rows == 0) {
      all.resize((all.size() + kPageBytes - 1) / kPageBytes * kPageBytes);
    }
    const Bytes bytes = row_of(tables, layer, row);
    const std::uint32_t checksum = row_checksum(*table.checksum_salt, row, bytes);
    all.insert(all.end(), bytes.begin(), bytes.end());
    all.resize(all.size() + kRowChecksumBytes);
    std::memcpy(&all[all.size() - kRowChecksumBytes], &checksum, kRowChecksumBytes);
  }
  all.resize((all.size() + kPageBytes - 1) / kPageBytes * kPageBytes);
  table.parts = {{table.row_bytes, {{out.path(), out.append(all), table.rows}}}};
  return table;
}

}  // namespace

std::string layout_name(TableLayout layout) {
  constexpr const char* kNames[] = {"Plain", "Parts", "Shards", "Both", "Pages"};
  return kNames[static_cast<std::size_t>(layout)];
}

std::vector<TableSource> lay_out(const NumberedTables& tables, TableLayout layout,
                                 const TemporaryFolder& folder) {
  if (layout == TableLayout::plain) return tables.tables();
  Output a(folder.file("a.bin"));
  Output b(folder.file("b.bin"));
  const bool apart = layout == TableLayout::parts || layout == TableLayout::both;
  const bool sharded = layout == TableLayout::shards || layout == TableLayout::both;
  std::vector<TableSource> out;
  for (std::size_t layer = 0; layer < tables.tables().size(); ++layer) {
    if (layout == TableLayout::pages) {
      out.push_back(in_pages(tables, layer, a));
      continue;
    }
    TableSource table;
    table.rows = tables.tables()[layer].rows;
    table.row_bytes = tables.tables()[layer].row_bytes;
    std::uint32_t begin = 0;
    std::vector<std::uint32_t> sizes = {table.row_bytes};
    if (apart) sizes = {table.row_bytes - kTailBytes, kTailBytes};
    for (const std::uint32_t size : sizes) {
      const auto bytes_of = [&](std::uint64_t row) {
        const Bytes bytes = row_of(tables, layer, row);
        return Bytes(bytes.begin() + begin, bytes.begin() + begin + size);
      };
      RowPart part{size, {}};
      Output& first = begin == 0 ? a : b;
      if (sharded) {
        const std::uint64_t third = table.rows / 3;
        part.runs = {write_run(first, 0, third, bytes_of), write_run(b, third, third, bytes_of),
                     write_run(first, 2 * third, table.rows - 2 * third, bytes_of)};
      } else {
        part.runs = {write_run(first, 0, table.rows, bytes_of)};
      }
      table.parts.push_back(std::move(part));
      begin += size;
    }
    out.push_back(std::move(table));
  }
  return out;
}

}  // namespace mneme
