// SPDX-License-Identifier: Apache-2.0
// Tables in safetensors: DeepSeek-V4.1's values and scales, and Qwen3.8's shards.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <string_view>
#include <utility>

#include "base/file.h"
#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/files/safetensors.h"
#include "inference/tables/table_files_impl.h"
#include "inference/tables/table_hash.h"

namespace mneme {
namespace {

using Json = nlohmann::json;
using Kind = RowFormat::Kind;

constexpr std::uint64_t kConfigBytesMax = 16u << 20;
constexpr std::int32_t kShardsMax = 4096;
constexpr std::string_view kV41Table = ".engram.embed.";
constexpr std::string_view kQwenTable = ".ple.ple_embedding.ngram_embedding.";

struct FoundShardTensor {
  std::string path;
  SafetensorsTensor tensor;
};

std::optional<std::int32_t> parse_number(std::string_view text) {
  std::int32_t value = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc{} || end != text.data() + text.size() || value < 0 || value > 9999) {
    return std::nullopt;
  }
  return value;
}

// "[model.]layers.N" + `infix` + REST: N and REST.
std::optional<std::pair<std::int32_t, std::string_view>> parse_name(std::string_view name,
                                                                    std::string_view infix) {
  const auto at = name.find(infix);
  if (at == std::string_view::npos) return std::nullopt;
  const std::string_view head = name.substr(0, at);
  const auto dot = head.rfind('.');
  if (dot == std::string_view::npos || !head.substr(0, dot).ends_with("layers")) {
    return std::nullopt;
  }
  const auto layer = parse_number(head.substr(dot + 1));
  if (!layer) return std::nullopt;
  return std::pair{*layer, name.substr(at + infix.size())};
}

bool concerns_tables(std::string_view name) {
  return parse_name(name, kV41Table) || parse_name(name, kQwenTable);
}

// The table tensors of all the files; of an index, only files that hold such are opened.
Result<std::map<std::string, FoundShardTensor>> collect(const std::vector<std::string>& paths) {
  std::set<std::string> files;
  for (const std::string& path : paths) {
    if (!path.ends_with(".json")) {
      files.insert(path);
      continue;
    }
    auto index = read_safetensors_index(path);
    if (!index) return index.error();
    for (const SafetensorsIndexEntry& entry : *index) {
      if (concerns_tables(entry.tensor)) files.insert(entry.path);
    }
  }
  std::map<std::string, FoundShardTensor> out;
  for (const std::string& path : files) {
    auto file = SafetensorsFile::open(path);
    if (!file) return file.error();
    for (const SafetensorsTensor& tensor : file->tensors()) {
      if (!concerns_tables(tensor.name)) continue;
      if (!out.emplace(tensor.name, FoundShardTensor{path, tensor}).second) {
        return corrupt(path, fmt::format("has {} again", tensor.name));
      }
    }
  }
  return out;
}

std::optional<std::uint32_t> ggml_of(std::string_view dtype) {
  if (dtype == "F32") return 0;
  if (dtype == "F16") return 1;
  if (dtype == "BF16") return 30;
  return std::nullopt;
}

RowRun run_of(const FoundShardTensor& found) {
  return {found.path, found.tensor.file_offset, found.tensor.shape[0]};
}

Result<FoundTable> v41_table(const FoundShardTensor& values, const FoundShardTensor* scales,
                             std::int32_t layer) {
  const SafetensorsTensor& v = values.tensor;
  if (v.shape.size() != 2 || v.shape[1] > 1u << 20) {
    return corrupt(values.path, fmt::format("{} is no table of rows", v.name));
  }
  const auto width = static_cast<std::uint32_t>(v.shape[1]);
  FoundTable table;
  table.layer = layer;
  table.tensor = v.name;
  table.source.rows = v.shape[0];
  if (const auto type = ggml_of(v.dtype)) {
    table.format = {Kind::ggml, width, *type};
  } else if (v.dtype == "F8_E4M3") {
    table.format = {Kind::e4m3_e8m0_32, width};
  } else {
    return Error{ErrorCode::unsupported, fmt::format("{}: {} is of the type {}", values.path,
                                                     printable(v.name), printable(v.dtype))};
  }
  RETURN_IF_ERROR(check_format(table.format, fmt::format("{}: {}", values.path, v.name)));
  table.source.row_bytes = table.format.row_bytes();
  const std::uint32_t scale_bytes = table.format.scale_bytes();
  table.source.parts = {{table.source.row_bytes - scale_bytes, {run_of(values)}}};
  if (scale_bytes == 0) return table;
  if (scales == nullptr) {
    return Error{ErrorCode::invalid,
                 fmt::format("the scales of {} are in none of the files: name the index or all "
                             "shards",
                             v.name)};
  }
  const SafetensorsTensor& s = scales->tensor;
  if ((s.dtype != "F8_E8M0" && s.dtype != "U8") ||
      s.shape != std::vector<std::uint64_t>{v.shape[0], scale_bytes}) {
    return corrupt(scales->path, fmt::format("{} does not go with its values", s.name));
  }
  table.source.parts.push_back({scale_bytes, {run_of(*scales)}});
  return table;
}

// "weight" or "shard_K.weight": K, 0 where there is one tensor only.
std::optional<std::int32_t> shard_number(std::string_view rest, std::string_view what) {
  if (rest == what) return 0;
  if (!rest.starts_with("shard_") || !rest.ends_with(fmt::format(".{}", what))) return std::nullopt;
  rest.remove_prefix(6);
  rest.remove_suffix(what.size() + 1);
  const auto number = parse_number(rest);
  return number && *number < kShardsMax ? number : std::nullopt;
}

struct QwenShards {
  std::map<std::int32_t, const FoundShardTensor*> values;
  std::map<std::int32_t, const FoundShardTensor*> scales;
};

// One number for the whole table, read now.
Result<float> read_scale(const FoundShardTensor& found) {
  const auto type = ggml_of(found.tensor.dtype);
  std::array<std::byte, 4> bytes{};
  if (!type || found.tensor.bytes > bytes.size()) {
    return corrupt(found.path, fmt::format("{} is no number", found.tensor.name));
  }
  auto file = File::open(found.path);
  if (!file) return file.error();
  const auto part = std::span(bytes).first(found.tensor.bytes);
  RETURN_IF_ERROR(file->read_at(found.tensor.file_offset, part));
  float value = 0;
  decode_row({Kind::ggml, 1, *type}, part, {&value, 1});
  if (!std::isfinite(value)) {
    return corrupt(found.path, fmt::format("{} is no finite number", found.tensor.name));
  }
  return value;
}

Result<FoundTable> qwen_table(const QwenShards& shards, std::int32_t layer) {
  if (shards.values.empty()) {
    return Error{ErrorCode::invalid, "there are scales of an n-gram table, but not the table"};
  }
  const FoundShardTensor& first = *shards.values.begin()->second;
  const std::string dtype = first.tensor.dtype;
  FoundTable table;
  table.layer = layer;
  table.tensor = first.tensor.name;
  RowPart values;
  std::int32_t expected = 0;
  std::uint64_t width = 0;
  for (const auto& [number, found] : shards.values) {
    const SafetensorsTensor& t = found->tensor;
    if (number != expected++) {
      return Error{ErrorCode::invalid,
                   fmt::format("shard {} of the table of layer {} is in none of the files: name "
                               "the index or all shards",
                               expected - 1, layer)};
    }
    if (t.shape.size() != 2 || t.dtype != dtype || (width != 0 && t.shape[1] != width) ||
        t.shape[1] > 1u << 20) {
      return corrupt(found->path, fmt::format("{} does not go with the other shards", t.name));
    }
    width = t.shape[1];
    values.runs.push_back(run_of(*found));
    table.source.rows += t.shape[0];
  }
  RowPart scales;
  std::optional<float> table_scale;
  std::string scale_dtype;
  for (const auto& [number, found] : shards.scales) {
    const SafetensorsTensor& t = found->tensor;
    std::uint64_t count = 1;
    for (const std::uint64_t dim : t.shape) count *= std::min<std::uint64_t>(dim, 1u << 31);
    if (count == 1) {
      auto scale = read_scale(*found);
      if (!scale) return scale.error();
      table_scale = *scale;
      continue;
    }
    const auto shard = shards.values.find(number);
    if (shard == shards.values.end() || count != shard->second->tensor.shape[0] ||
        (!scale_dtype.empty() && t.dtype != scale_dtype)) {
      return corrupt(found->path, fmt::format("{} does not go with its shard", t.name));
    }
    scale_dtype = t.dtype;
    scales.runs.push_back(run_of(*found));
  }
  table.format.width = static_cast<std::uint32_t>(width);
  table.format.table_scale = table_scale.value_or(1.0f);
  const auto type = ggml_of(dtype);
  const auto scale_type = ggml_of(scale_dtype);
  if (type) {
    table.format.kind = Kind::ggml;
    table.format.ggml_type = *type;
  } else if (scale_type && (dtype == "F8_E4M3" || dtype == "I8")) {
    table.format.kind = dtype == "I8" ? Kind::i8_row_scaled : Kind::e4m3_row_scaled;
    table.format.scale_type = *scale_type;
  } else if (dtype == "F8_E4M3" && scale_dtype.empty()) {
    table.format.kind = Kind::e4m3;
  } else {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} is of the type {} with scales of the type '{}'", table.tensor,
                             dtype, scale_dtype)};
  }
  RETURN_IF_ERROR(check_format(table.format, fmt::format("{}: {}", first.path, table.tensor)));
  table.source.row_bytes = table.format.row_bytes();
  values.bytes = table.source.row_bytes - table.format.scale_bytes();
  table.source.parts = {std::move(values)};
  if (table.format.scale_bytes() != 0) {
    scales.bytes = table.format.scale_bytes();
    table.source.parts.push_back(std::move(scales));
  }
  return table;
}

// config.json beside the first file, or null.
Json read_config(const std::string& path) {
  const auto config = std::filesystem::path(path).parent_path() / "config.json";
  auto file = File::open(config.string());
  if (!file || file->size() > kConfigBytesMax) return nullptr;
  std::string text(file->size(), '\0');
  if (!file->read_at(0, std::as_writable_bytes(std::span(text)))) return nullptr;
  Json json = Json::parse(text, nullptr, false);
  if (!json.is_object()) return nullptr;
  const auto inner = json.find("text_config");
  return inner != json.end() && inner->is_object() ? *inner : json;
}

template <class T>
void take(const Json& config, const char* key, T& to) {
  const auto value = config.is_object() ? config.find(key) : config.end();
  if (!config.is_object() || value == config.end() || !value->is_number_unsigned()) return;
  to = static_cast<T>(std::min<std::uint64_t>(value->get<std::uint64_t>(), 1u << 30));
}

StatedHash v41_hash(const Json& config) {
  StatedHash stated;
  take(config, "engram_max_ngram_size", stated.max_ngram_size);
  take(config, "engram_n_heads", stated.head_count);
  take(config, "engram_vocab_size", stated.search_base);
  take(config, "engram_compressed_vocab_size", stated.class_count);
  const auto ids = config.is_object() ? config.find("engram_layer_ids") : config.end();
  if (config.is_object() && ids != config.end() && ids->is_array()) {
    for (const Json& id : *ids) {
      if (id.is_number_unsigned()) {
        stated.layer_ids.push_back(
            static_cast<std::int32_t>(std::min<std::uint64_t>(id.get<std::uint64_t>(), 1u << 20)));
      }
    }
  }
  return stated;
}

StatedQwenHash qwen_hash(const Json& config) {
  StatedQwenHash stated;
  stated.ngram_size = 3;  // what Qwen's own code takes where the config is silent
  stated.heads_per_ngram = 8;
  stated.base = 20'000'000;
  take(config, "ngram_size", stated.ngram_size);
  take(config, "heads_per_ngram", stated.heads_per_ngram);
  take(config, "ngram_vocab_size_base", stated.base);
  take(config, "vocab_size", stated.vocab_size);
  take(config, "seed", stated.seed);
  return stated;
}

}  // namespace

Result<FoundTables> find_safetensors_tables(const std::vector<std::string>& paths) {
  auto tensors = collect(paths);
  if (!tensors) return tensors.error();
  const std::string where =
      paths.size() == 1 ? paths[0] : fmt::format("{} and {} more", paths[0], paths.size() - 1);
  FoundTables found;
  found.files = paths;
  std::map<std::int32_t, QwenShards> qwen;
  for (const auto& [name, tensor] : *tensors) {
    if (const auto v41 = parse_name(name, kV41Table); v41 && v41->second == "weight") {
      const std::string scales =
          name.substr(0, name.size() - std::string_view("weight").size()) + "scale";
      const auto scale = tensors->find(scales);
      auto table =
          v41_table(tensor, scale == tensors->end() ? nullptr : &scale->second, v41->first);
      if (!table) return table.error();
      found.tables.push_back(std::move(*table));
    } else if (const auto part = parse_name(name, kQwenTable)) {
      if (const auto shard = shard_number(part->second, "weight")) {
        qwen[part->first].values.emplace(*shard, &tensor);
      } else if (const auto scale = shard_number(part->second, "weight_scale")) {
        qwen[part->first].scales.emplace(*scale, &tensor);
      }
    }
  }
  for (const auto& [layer, shards] : qwen) {
    auto table = qwen_table(shards, layer);
    if (!table) return table.error();
    found.tables.push_back(std::move(*table));
  }
  RETURN_IF_ERROR(finish_tables(where, found));
  const Json config = read_config(paths[0]);
  if (qwen.empty()) {
    found.dialect = "safetensors, DeepSeek-V4.1";
    RETURN_IF_ERROR(settle_engram_hash(v41_hash(config), where, found));
    return found;
  }
  if (found.tables.size() != 1) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} has n-gram tables of several layers", where)};
  }
  found.dialect = "safetensors, Qwen3.8";
  RETURN_IF_ERROR(settle_qwen_hash(qwen_hash(config), where, found));
  return found;
}

}  // namespace mneme
