// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/pack_pages.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <string_view>
#include <utility>

#include "base/check.h"
#include "base/printable.h"
#include "engram/row_checksum.h"
#include "inference/files/file_error.h"

namespace mneme {
namespace {

constexpr std::uint32_t kPageType = 24;

}  // namespace

std::uint32_t rows_of_page(std::uint32_t row_bytes) {
  return kPackPageBytes / (row_bytes + kRowChecksumBytes);
}

void add_paged_table(GgufWriter& writer, std::int32_t layer, std::uint64_t rows,
                     std::uint32_t row_bytes, RowSource source) {
  const std::uint32_t page_rows = rows_of_page(row_bytes);
  CHECK(page_rows > 0 && rows > 0);
  const std::uint64_t pages = (rows + page_rows - 1) / page_rows;
  writer.add_tensor(
      fmt::format("blk.{}.engram_embd.weight", layer), kPageType, {kPackPageBytes, pages},
      [=, source = std::move(source)](std::uint64_t at, std::span<std::byte> out) -> Status {
        const RowId first = at / kPackPageBytes * page_rows;
        const std::uint64_t count =
            std::min<std::uint64_t>(out.size() / kPackPageBytes * page_rows, rows - first);
        std::vector<std::byte> plain(count * row_bytes);
        RETURN_IF_ERROR(source(first, count, plain));
        std::ranges::fill(out, std::byte{0});
        for (std::uint64_t i = 0; i < count; ++i) {
          const auto row = std::span(plain).subspan(i * row_bytes, row_bytes);
          const std::uint32_t checksum = row_checksum(pack_checksum_salt(layer), first + i, row);
          std::byte* to = out.data() + i / page_rows * kPackPageBytes +
                          i % page_rows * (row_bytes + kRowChecksumBytes);
          std::memcpy(to, row.data(), row_bytes);
          std::memcpy(to + row_bytes, &checksum, kRowChecksumBytes);
        }
        return {};
      });
}

void add_plain_table(GgufWriter& writer, std::int32_t layer, std::uint64_t rows,
                     std::uint32_t row_bytes, RowSource source) {
  writer.add_tensor(
      fmt::format("blk.{}.engram_embd.weight", layer), kPageType, {row_bytes, rows},
      [=, source = std::move(source)](std::uint64_t at, std::span<std::byte> out) -> Status {
        const RowId first = at / row_bytes;  // it may begin before the stretch does
        const std::uint64_t count = (at + out.size() + row_bytes - 1) / row_bytes - first;
        std::vector<std::byte> plain(count * row_bytes);
        RETURN_IF_ERROR(source(first, count, plain));
        std::memcpy(out.data(), plain.data() + (at - first * row_bytes), out.size());
        return {};
      });
}

void add_page_keys(GgufWriter& writer, std::span<const std::uint64_t> rows) {
  writer.add_u32("engram.page_bytes", kPackPageBytes);
  writer.add_string("engram.checksum", "xxh3_32");
  writer.add_u64s("engram.table_rows", rows);
}

Result<std::optional<PackPages>> read_pack_pages(const GgufFile& file) {
  auto page_bytes = file.metadata().find<std::uint32_t>("engram.page_bytes");
  if (!page_bytes) return page_bytes.error();
  if (!page_bytes->has_value()) return std::optional<PackPages>{};
  const auto checksum = file.metadata().require<std::string_view>("engram.checksum");
  if (!checksum) return checksum.error();
  const auto encoding = file.metadata().require<std::string_view>("engram.encoding");
  if (!encoding) return encoding.error();
  auto format = RowFormat::from_encoding(*encoding);
  if (**page_bytes != kPackPageBytes || *checksum != "xxh3_32" || !format) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} has pages of {} bytes, checksums '{}' and rows '{}', which are "
                    "not known here",
                    file.name(), **page_bytes, printable(*checksum), printable(*encoding))};
  }
  const auto width = file.metadata().require<std::uint32_t>("engram.key_length");
  if (!width) return width.error();
  format->width = *width;
  const auto scale = file.metadata().find<float>("engram.table_scale");
  if (!scale) return scale.error();
  format->table_scale = scale->value_or(1.0f);
  RETURN_IF_ERROR(check_format(*format, file.name()));
  if (!std::isfinite(format->table_scale))
    return corrupt(file.name(), "engram.table_scale is no number");

  PackPages pages;
  pages.format = *format;
  pages.page_rows = rows_of_page(format->row_bytes());
  auto layers = file.metadata().require_array<std::int32_t>("engram.layer_ids");
  if (!layers) return layers.error();
  auto rows = file.metadata().require_array<std::uint64_t>("engram.table_rows");
  if (!rows) return rows.error();
  if (pages.page_rows == 0 || rows->size() != layers->size()) {
    return corrupt(file.name(), "its rows do not fit its pages, or engram.table_rows its layers");
  }
  pages.layers = std::move(*layers);
  pages.rows = std::move(*rows);
  return std::optional(std::move(pages));
}

Result<FoundTable> read_paged_table(const GgufFile& file, const GgufTensor& tensor,
                                    const PackPages& pages, std::int32_t layer) {
  const auto at = std::ranges::find(pages.layers, layer);
  const std::uint64_t rows = at == pages.layers.end()
                                 ? 0
                                 : pages.rows[static_cast<std::size_t>(at - pages.layers.begin())];
  const std::uint64_t count = rows / pages.page_rows + (rows % pages.page_rows != 0 ? 1 : 0);
  if (rows == 0 || tensor.ggml_type != kPageType || tensor.dims[0] != kPackPageBytes ||
      tensor.dims[1] != count || tensor.dims[2] != 1 || tensor.dims[3] != 1) {
    return corrupt(file.name(), fmt::format("table {} is not {} pages of {} bytes", tensor.name,
                                            count, kPackPageBytes));
  }
  FoundTable table;
  table.layer = layer;
  table.tensor = tensor.name;
  table.format = pages.format;
  table.source = plain_table(file.path(), tensor.file_offset, rows, pages.format.row_bytes());
  table.source.page_bytes = kPackPageBytes;
  table.source.page_rows = pages.page_rows;
  table.source.checksum_salt = pack_checksum_salt(layer);
  return table;
}

}  // namespace mneme
