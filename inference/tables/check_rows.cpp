// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/check_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <iterator>
#include <optional>

#include "inference/files/gguf.h"
#include "inference/tables/synth_rows.h"
#include "inference/tables/table_scan.h"

namespace mneme {
namespace {

using Kind = RowFormat::Kind;

constexpr std::uint64_t kStretchBytes = 4u << 20;

// The seed of computed rows, where the file says that they are.
Result<std::optional<std::uint64_t>> synthetic_seed(const FoundTables& found) {
  for (const std::string& path : found.files) {
    const auto file = GgufFile::open(path);
    if (!file) continue;  // not a GGUF: such rows are written into GGUF only
    auto seed = file->metadata().find<std::uint64_t>("engram.synthetic_seed");
    if (!seed || seed->has_value()) return seed;
  }
  return std::optional<std::uint64_t>{};
}

bool is_finite(const RowFormat& format, std::span<const std::byte> row, std::vector<float>& room) {
  if (format.kind == Kind::e4m3_e8m0_32 || format.kind == Kind::e4m3) {  // quickly: most tables
    const auto nan = [](std::byte b) { return (b & std::byte{0x7f}) == std::byte{0x7f}; };
    const auto scales = row.subspan(format.width);
    return std::ranges::none_of(row.first(format.width), nan) &&
           std::ranges::find(scales, std::byte{0xff}) == scales.end();
  }
  room.resize(format.width);
  decode_row(format, row, room);
  return std::ranges::all_of(room, [](float v) { return std::isfinite(v); });
}

class Checker {
 public:
  Checker(const FoundTables& found, std::optional<std::uint64_t> seed) : seed_(seed) {
    for (const FoundTable& table : found.tables) {
      total_ += table.source.rows * table.source.row_bytes;
    }
    out_.computed = seed.has_value();
  }

  Status check(const FoundTable& table, const std::function<void(double)>& progress,
               const std::atomic<bool>* cancel) {
    auto scan = TableScan::open(table);
    if (!scan) return scan.error();
    out_.checksums = out_.checksums || table.source.checksum_salt.has_value();
    const std::uint32_t row_bytes = table.source.row_bytes;
    const std::uint64_t step = std::max<std::uint64_t>(1, kStretchBytes / row_bytes);
    std::vector<std::byte> rows, wanted(row_bytes);
    std::vector<float> values;
    for (RowId first = 0; first < table.source.rows; first += step) {
      if (cancel != nullptr && cancel->load(std::memory_order_relaxed)) {
        return Error{ErrorCode::cancelled, "the check was stopped"};
      }
      const std::uint64_t count = std::min(step, table.source.rows - first);
      rows.resize(count * row_bytes);
      std::vector<RowId> damaged;
      RETURN_IF_ERROR(scan->read(first, count, rows, &damaged));
      for (const RowId row : damaged) name(table, row, "does not have its checksum");
      for (std::uint64_t i = 0; i < count; ++i) {
        const auto row = std::span(rows).subspan(i * row_bytes, row_bytes);
        if (!is_finite(table.format, row, values)) ++out_.not_finite;
        if (!seed_) continue;
        synth_row(*seed_, table.layer, first + i, table.format.width, wanted);
        const bool known = std::ranges::binary_search(damaged, first + i);
        if (!known && std::memcmp(row.data(), wanted.data(), row_bytes) != 0) {
          name(table, first + i, "is not what it must be computed to");
        }
      }
      out_.rows += count;
      out_.bytes += rows.size();
      if (progress) progress(static_cast<double>(out_.bytes) / static_cast<double>(total_));
    }
    return {};
  }

  RowCheck take() { return std::move(out_); }

 private:
  void name(const FoundTable& table, RowId row, std::string_view what) {
    if (++out_.damaged <= RowCheck::kNamedMax) {
      out_.first.push_back(fmt::format("layer {}, row {} {}", table.layer, row, what));
    }
  }

  const std::optional<std::uint64_t> seed_;
  std::uint64_t total_ = 0;
  RowCheck out_;
};

}  // namespace

Result<RowCheck> check_rows(const FoundTables& found,
                            const std::function<void(double fraction)>& progress,
                            const std::atomic<bool>* cancel) {
  const auto seed = synthetic_seed(found);
  if (!seed) return seed.error();
  for (const FoundTable& table : found.tables) {
    const bool synthetic =
        table.format.kind == Kind::e4m3_e8m0_32 || table.format.kind == Kind::e4m3;
    if (seed->has_value() && !synthetic) {
      return Error{ErrorCode::corrupt,
                   fmt::format("{} says that its rows are synthetic, which rows of {} cannot be",
                               found.files[0], table.format.name())};
    }
  }
  Checker checker(found, *seed);
  for (const FoundTable& table : found.tables) {
    RETURN_IF_ERROR(checker.check(table, progress, cancel));
  }
  return checker.take();
}

Result<std::vector<CompareResult>> compare_rows(
    const FoundTables& found, std::uint64_t rows,
    const std::function<void(double fraction)>& progress, const std::atomic<bool>* cancel) {
  using Reader = TableStoreOptions::Reader;
  constexpr Reader kReaders[] = {Reader::uring, Reader::threads};
  std::vector<TableSource> tables;
  for (const FoundTable& table : found.tables) tables.push_back(table.source);
  std::vector<CompareResult> out;
  for (std::size_t i = 0; i < std::size(kReaders); ++i) {
    CompareOptions options;
    options.reader = kReaders[i];
    options.rows = rows;
    options.cancel = cancel;
    options.progress = [&](double fraction) {
      if (progress) progress((static_cast<double>(i) + fraction) / std::size(kReaders));
    };
    auto result = compare_readers(tables, options);
    const bool refused =
        !result && kReaders[i] == Reader::uring && result.error().code == ErrorCode::unsupported;
    if (refused) continue;
    if (!result) return result.error();
    out.push_back(std::move(*result));
  }
  return out;
}

}  // namespace mneme
