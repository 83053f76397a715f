// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/table_scan.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

namespace mneme {
namespace {

constexpr std::uint64_t kReadBytes = 1u << 20;

}  // namespace

Result<TableScan> TableScan::open(const FoundTable& table) {
  auto map = TableMap::create({table.source}, {fmt::format("the table of layer {}", table.layer)});
  if (!map) return map.error();
  std::vector<File> files;
  for (const std::string& path : map->paths()) {
    auto file = File::open(path);
    if (!file) return file.error();
    files.push_back(std::move(*file));
  }
  return TableScan(std::move(*map), std::move(files));
}

Status TableScan::read(RowId first, std::uint64_t count, std::span<std::byte> out,
                       std::vector<RowId>* damaged) const {
  const std::uint32_t row_bytes = map_.table(0).row_bytes;
  CHECK(out.size() == count * row_bytes);
  std::vector<std::byte> buffer(kReadBytes);
  for (std::size_t part = 0; part < map_.parts(0); ++part) {
    const std::uint32_t bytes = map_.part_bytes(0, part);
    for (std::uint64_t i = 0; i < count;) {
      // As many rows as lie near each other in one file.
      const RowRange begin = map_.locate(0, part, first + i);
      std::uint64_t rows = 1;
      std::uint64_t end = begin.offset + begin.size;
      for (; i + rows < count; ++rows) {
        const RowRange next = map_.locate(0, part, first + i + rows);
        if (next.file != begin.file || next.offset < end ||
            next.offset + next.size - begin.offset > kReadBytes) {
          break;
        }
        end = next.offset + next.size;
      }
      const auto stretch = std::span(buffer).first(end - begin.offset);
      const File& file = files_[begin.file];
      const Status whole = file.read_at(begin.offset, stretch);
      RETURN_IF_ERROR(file.unchanged());
      RETURN_IF_ERROR(whole);
      for (std::uint64_t r = 0; r < rows; ++r) {
        const RowId row = first + i + r;
        const RowRange range = map_.locate(0, part, row);
        const auto read = stretch.subspan(range.offset - begin.offset, range.size);
        if (const Status right = map_.verify(0, row, read); !right) {
          if (damaged == nullptr) return right;
          damaged->push_back(row);
        }
        std::memcpy(out.data() + (i + r) * row_bytes + map_.part_begin(0, part), read.data(),
                    bytes);
      }
      i += rows;
    }
  }
  return {};
}

}  // namespace mneme
