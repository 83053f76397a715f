// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/table_pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <iterator>
#include <memory>
#include <string_view>
#include <utility>

#include "inference/files/gguf.h"
#include "inference/tables/memory_pack.h"
#include "inference/tables/pack_pages.h"
#include "inference/tables/table_scan.h"

namespace mneme {
namespace {

Error invalid(std::string message) {
  return Error{ErrorCode::invalid, std::move(message)};
}

Status check_tables(const FoundTables& found) {
  const FoundTable& first = found.tables.front();
  for (const FoundTable& table : found.tables) {
    if (table.format.encoding() != first.format.encoding() ||
        table.format.width != first.format.width ||
        table.format.table_scale != first.format.table_scale) {
      return invalid(fmt::format("the tables of layers {} and {} have rows of different formats",
                                 first.layer, table.layer));
    }
  }
  if (rows_of_page(first.source.row_bytes) == 0) {
    return invalid(
        fmt::format("rows of {} bytes do not fit a page of {}: reading them where they "
                    "lie is as good",
                    first.source.row_bytes, kPackPageBytes));
  }
  return {};
}

std::vector<std::uint64_t> rows_of(const FoundTables& found) {
  std::vector<std::uint64_t> rows;
  for (const FoundTable& table : found.tables) rows.push_back(table.source.rows);
  return rows;
}

// So that a write does not go on with an input that is another by now.
std::string identity(const std::vector<std::string>& paths) {
  std::string text;
  for (const std::string& path : paths) {
    std::error_code code;
    const auto time = std::filesystem::last_write_time(path, code).time_since_epoch().count();
    text += fmt::format("{}{} {} {}", text.empty() ? "" : "\n",
                        std::filesystem::path(path).filename().string(),
                        std::filesystem::file_size(path, code), time);
  }
  return text;
}

Status add_tables(GgufWriter& writer, const FoundTables& found) {
  for (const FoundTable& table : found.tables) {
    auto scan = TableScan::open(table);
    if (!scan) return scan.error();
    const auto shared = std::make_shared<const TableScan>(std::move(*scan));
    add_paged_table(writer, table.layer, table.source.rows, table.source.row_bytes,
                    [shared](RowId first, std::uint64_t count, std::span<std::byte> out) {
                      return shared->read(first, count, out);
                    });
  }
  return {};
}

// A memory pack as it is, but for its tables.
Result<GgufWriter> plan_memory_pack(const GgufFile& file, const FoundTables& found) {
  GgufWriter writer(kPackPageBytes);
  for (const MetadataEntry& entry : file.metadata().entries()) {
    const bool ours = entry.key == "general.alignment" || entry.key == "engram.packed_from" ||
                      std::ranges::find(kPageKeys, entry.key) != std::end(kPageKeys);
    if (!ours) writer.add_entry(entry);
  }
  writer.add_string("engram.packed_from", identity(found.files));
  add_page_keys(writer, rows_of(found));
  for (const GgufTensor& tensor : file.tensors()) {
    if (std::ranges::find(found.tables, tensor.name, &FoundTable::tensor) != found.tables.end()) {
      continue;
    }
    // The copy of the file keeps its mapping.
    writer.add_tensor(
        tensor.name, tensor.ggml_type,
        {tensor.dims.begin(), tensor.dims.begin() + tensor.dim_count},
        GgufWriter::Producer([file, bytes = tensor.bytes](const GgufWriter::Sink& sink) -> Status {
          const Status written = sink(bytes);
          RETURN_IF_ERROR(file.unchanged());
          return written;
        }));
  }
  RETURN_IF_ERROR(add_tables(writer, found));
  return writer;
}

void add_hash(GgufWriter& writer, const FoundTables& found) {
  std::vector<std::uint64_t> multipliers, primes, offsets;
  for (const LayerHash& layer : found.hash) {
    multipliers.insert(multipliers.end(), layer.multipliers.begin(), layer.multipliers.end());
    primes.insert(primes.end(), layer.primes.begin(), layer.primes.end());
    offsets.insert(offsets.end(), layer.offsets.begin(), layer.offsets.end());
  }
  const auto order_max = static_cast<std::uint32_t>(found.max_ngram_size);
  const auto heads = static_cast<std::uint32_t>(found.head_count);
  const auto classes = static_cast<std::uint64_t>(found.class_count);
  if (found.rule == HashRule::qwen) {
    writer.add_u32("ple.ngram_size", order_max);
    writer.add_u32("ple.heads_per_ngram", heads);
    writer.add_u64s("ple.layer_multipliers", multipliers);
    writer.add_u64s("ple.head_vocab_sizes", primes);
    writer.add_u64s("ple.head_offsets", offsets);
    writer.add_u64("vocab_size", classes);
    return;
  }
  writer.add_u32("engram.max_ngram_size", order_max);
  writer.add_u32("engram.head_count", heads);
  writer.add_u64("engram.compressed_vocab_size", classes);
  writer.add_u64s("engram.multipliers", multipliers);
  writer.add_u64s("engram.primes", primes);
  writer.add_u64s("engram.offsets", offsets);
}

// Token map and pad class come with the tables where the input has them.
void add_vocabulary(GgufWriter& writer, const std::vector<std::string>& inputs) {
  for (const std::string_view name : {"engram.token_map", "engram.pad_id"}) {
    bool added = false;  // splits may repeat a key
    for (const std::string& path : inputs) {
      const auto file = GgufFile::open(path);
      if (!file) return;  // safetensors; find_tables() has read it already
      for (const MetadataEntry& entry : file->metadata().entries()) {
        if (added || (entry.key != name && !entry.key.ends_with(fmt::format(".{}", name))))
          continue;
        MetadataEntry renamed = entry;
        renamed.key = name;
        writer.add_entry(renamed);
        added = true;
      }
    }
  }
}

Result<GgufWriter> plan_bare_tables(const FoundTables& found) {
  const RowFormat& format = found.tables.front().format;
  GgufWriter writer(kPackPageBytes);
  writer.add_string("general.type", "engram-tables");
  writer.add_string("general.name",
                    "tables of " + std::filesystem::path(found.files[0]).stem().string());
  writer.add_u32("engram.version", 1);
  writer.add_string("engram.encoding", format.encoding());
  writer.add_u32("engram.key_length", format.width);
  if (format.kind == RowFormat::Kind::e4m3) {
    writer.add_f32("engram.table_scale", format.table_scale);
  }
  std::vector<std::int32_t> layers;
  for (const FoundTable& table : found.tables) layers.push_back(table.layer);
  writer.add_i32s("engram.layer_ids", layers);
  writer.add_string("engram.packed_from", identity(found.files));
  add_page_keys(writer, rows_of(found));
  if (!found.hash.empty()) add_hash(writer, found);
  add_vocabulary(writer, found.files);
  RETURN_IF_ERROR(add_tables(writer, found));
  return writer;
}

}  // namespace

Result<GgufWriter> plan_table_pack(const std::vector<std::string>& inputs) {
  auto found = find_tables(inputs);
  if (!found) return found.error();
  RETURN_IF_ERROR(check_tables(*found));
  if (found->tables.front().source.page_rows != 0) {
    return invalid(fmt::format("{} has its rows in pages already", inputs[0]));
  }
  if (inputs.size() == 1) {
    const auto file = GgufFile::open(inputs[0]);
    if (file && is_memory_pack(*file)) return plan_memory_pack(*file, *found);
  }
  return plan_bare_tables(*found);
}

}  // namespace mneme
