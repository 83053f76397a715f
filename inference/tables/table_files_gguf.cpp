// SPDX-License-Identifier: Apache-2.0
// Tables in GGUF files: the dialects of engram/SPEC.md, section 11, and Qwen's
// per_layer_token_embd.
#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <string_view>
#include <utility>

#include "inference/files/file_error.h"
#include "inference/files/ggml_type.h"
#include "inference/files/gguf.h"
#include "inference/tables/pack_pages.h"
#include "inference/tables/table_files_impl.h"
#include "inference/tables/table_hash.h"

namespace mneme {
namespace {

using Kind = RowFormat::Kind;

constexpr std::uint32_t kI8 = 24;
constexpr std::uint64_t kPackedWidth = 256;  // of the 264-byte rows of dialect B

// The splits of one model: keys are in the first, tensors in any.
class GgufSet {
 public:
  static Result<GgufSet> open(const std::vector<std::string>& paths) {
    GgufSet set;
    for (const std::string& path : paths) {
      auto file = GgufFile::open(path);
      if (!file) return file.error();
      set.files_.push_back(std::move(*file));
    }
    return set;
  }

  const std::vector<GgufFile>& files() const { return files_; }
  std::string where() const {
    return files_.size() == 1 ? files_[0].path()
                              : fmt::format("{} and {} more", files_[0].path(), files_.size() - 1);
  }

  // The file that has the key, under the architecture's prefix or without.
  std::string architecture() const {
    for (const GgufFile& file : files_) {
      const auto value = file.metadata().find<std::string_view>("general.architecture");
      if (value && value->has_value()) return std::string(**value);
    }
    return {};
  }

  template <class T>
  Result<std::optional<T>> find(std::string_view key) const {
    const auto [file, name] = locate(key);
    if (file == nullptr) return std::optional<T>{};
    return file->metadata().find<T>(name);
  }

  Result<std::vector<std::uint64_t>> numbers(std::string_view key) const {
    const auto [file, name] = locate(key);
    if (file == nullptr) return std::vector<std::uint64_t>{};
    auto values = file->metadata().find_array<std::uint64_t>(name);
    if (!values) return values.error();
    return values->value_or(std::vector<std::uint64_t>{});
  }

  std::uint64_t count(std::string_view key) const {
    const auto [file, name] = locate(key);
    return file == nullptr ? 0 : file->metadata().find_entry(name)->count;
  }

 private:
  std::pair<const GgufFile*, std::string> locate(std::string_view key) const {
    for (const std::string& name : {fmt::format("{}.{}", architecture(), key), std::string(key)}) {
      for (const GgufFile& file : files_) {
        if (file.metadata().find_entry(name) != nullptr) return {&file, name};
      }
    }
    return {nullptr, {}};
  }

  std::vector<GgufFile> files_;
};

// blk.N.engram_REST: N and REST.
std::optional<std::pair<std::int32_t, std::string_view>> parse_name(std::string_view name) {
  if (!name.starts_with("blk.")) return std::nullopt;
  name.remove_prefix(4);
  std::int32_t layer = 0;
  const auto [end, error] = std::from_chars(name.data(), name.data() + name.size(), layer);
  if (error != std::errc{} || layer < 0 || layer > 9999) return std::nullopt;
  name.remove_prefix(static_cast<std::size_t>(end - name.data()));
  if (!name.starts_with(".engram_")) return std::nullopt;
  name.remove_prefix(8);
  return std::pair{layer, name};
}

bool is_table_name(std::string_view rest) {
  return rest == "embd.weight" || rest == "embed.weight" || rest == "embd" || rest == "embed";
}

// Without its hash it is read by the single token, which is another kind of memory.
constexpr std::string_view kQwenTensor = "per_layer_token_embd.weight";
constexpr std::string_view kQwenSizes = "ple.head_vocab_sizes";

struct FoundTensor {
  const GgufFile* file;
  const GgufTensor* tensor;
};

std::optional<FoundTensor> find_scales(const GgufSet& set, std::int32_t layer) {
  for (const std::string_view rest :
       {"embd_scale.weight", "embd_scale", "embed_scale.weight", "embed_scale"}) {
    const std::string name = fmt::format("blk.{}.engram_{}", layer, rest);
    for (const GgufFile& file : set.files()) {
      if (const GgufTensor* tensor = file.find_tensor(name)) return FoundTensor{&file, tensor};
    }
  }
  return std::nullopt;
}

bool is_matrix(const GgufTensor& tensor) {
  return tensor.dims[2] == 1 && tensor.dims[3] == 1 && tensor.dims[0] <= 1u << 20;
}

// A table of one tensor, or of values and scales.
Result<FoundTable> read_table(const GgufSet& set, const GgufFile& file, const GgufTensor& tensor,
                              std::int32_t layer) {
  const std::string where = fmt::format("{}: tensor {}", file.path(), tensor.name);
  if (!is_matrix(tensor)) return corrupt(where, "is no table of rows");
  const auto columns = static_cast<std::uint32_t>(tensor.dims[0]);
  FoundTable table;
  table.layer = layer;
  table.tensor = tensor.name;
  table.source.rows = tensor.dims[1];
  const RowRun values{file.path(), tensor.file_offset, tensor.dims[1]};
  if (tensor.ggml_type != kI8) {
    table.format = {Kind::ggml, columns, tensor.ggml_type};
    RETURN_IF_ERROR(check_format(table.format, where));
    table.source.row_bytes = table.format.row_bytes();
    table.source.parts = {{table.source.row_bytes, {values}}};
    return table;
  }
  const auto scales = find_scales(set, layer);
  table.format.kind = Kind::e4m3_e8m0_32;
  table.format.width = scales ? columns : columns / 33 * 32;  // with its scales, 33 bytes for 32
  if ((!scales && columns % 33 != 0)) {
    return corrupt(where, fmt::format("has rows of {} bytes and no tensor of scales", columns));
  }
  RETURN_IF_ERROR(check_format(table.format, where));
  table.source.row_bytes = table.format.row_bytes();
  if (!scales) {
    table.source.parts = {{columns, {values}}};
    return table;
  }
  const GgufTensor& scale = *scales->tensor;
  if (scale.ggml_type != kI8 || scale.dims[0] != columns / 32 || scale.dims[1] != tensor.dims[1] ||
      !is_matrix(scale)) {
    return corrupt(where, fmt::format("and its scales {} do not go together", scale.name));
  }
  table.source.parts = {{columns, {values}},
                        {columns / 32, {{scales->file->path(), scale.file_offset, scale.dims[1]}}}};
  return table;
}

template <class T>
Status read_number(const GgufSet& set, std::initializer_list<std::string_view> keys, T& to) {
  for (const std::string_view key : keys) {
    auto value = set.find<std::int64_t>(key);
    if (!value) return value.error();
    if (!value->has_value()) continue;
    if (**value < 0 || **value > std::int64_t{1} << 44) {
      return corrupt(set.where(), fmt::format("{} is {}", key, **value));
    }
    to = static_cast<T>(**value);
    return {};
  }
  return {};
}

Status read_numbers(const GgufSet& set, std::initializer_list<std::string_view> keys,
                    std::vector<std::uint64_t>& to) {
  for (const std::string_view key : keys) {
    auto values = set.numbers(key);
    if (!values) return values.error();
    if (values->empty()) continue;
    to = std::move(*values);
    return {};
  }
  return {};
}

Status read_engram_hash(const GgufSet& set, FoundTables& found) {
  StatedHash stated;
  std::vector<std::uint64_t> ids, token_map;
  RETURN_IF_ERROR(read_numbers(set, {"engram.layer_ids", "engram.layers"}, ids));
  for (const std::uint64_t id : ids) {
    stated.layer_ids.push_back(static_cast<std::int32_t>(std::min<std::uint64_t>(id, 1 << 20)));
  }
  RETURN_IF_ERROR(
      read_number(set, {"engram.max_ngram_size", "engram.ngram_size"}, stated.max_ngram_size));
  RETURN_IF_ERROR(read_number(set, {"engram.head_count", "engram.n_heads"}, stated.head_count));
  RETURN_IF_ERROR(read_number(set, {"engram.compressed_vocab_size"}, stated.class_count));
  RETURN_IF_ERROR(read_number(set, {"engram.vocab_size"}, stated.search_base));
  RETURN_IF_ERROR(read_numbers(set, {"engram.multipliers"}, stated.multipliers));
  RETURN_IF_ERROR(read_numbers(set, {"engram.primes", "engram.head_bucket_sizes"}, stated.primes));
  RETURN_IF_ERROR(read_numbers(set, {"engram.offsets", "engram.head_offsets"}, stated.offsets));
  RETURN_IF_ERROR(read_numbers(set, {"engram.token_map"}, token_map));
  if (!token_map.empty()) {
    stated.class_count = static_cast<std::int64_t>(
        std::min<std::uint64_t>(std::ranges::max(token_map), 1u << 30) + 1);
  }
  return settle_engram_hash(stated, set.where(), found);
}

Status read_qwen_hash(const GgufSet& set, FoundTables& found) {
  StatedQwenHash stated;
  RETURN_IF_ERROR(read_number(set, {"ple.ngram_size"}, stated.ngram_size));
  RETURN_IF_ERROR(read_number(set, {"ple.heads_per_ngram"}, stated.heads_per_ngram));
  RETURN_IF_ERROR(read_numbers(set, {"ple.layer_multipliers"}, stated.multipliers));
  RETURN_IF_ERROR(read_numbers(set, {"ple.head_vocab_sizes"}, stated.sizes));
  RETURN_IF_ERROR(read_numbers(set, {"ple.head_offsets"}, stated.offsets));
  RETURN_IF_ERROR(read_number(set, {"vocab_size"}, stated.vocab_size));
  for (const GgufFile& file : set.files()) {
    if (const GgufTensor* words = file.find_tensor("token_embd.weight")) {
      stated.vocab_size = static_cast<std::int64_t>(
          std::min<std::uint64_t>(words->dims[1], std::uint64_t{1} << 40));
    }
  }
  if (stated.vocab_size == 0) {
    stated.vocab_size = static_cast<std::int64_t>(set.count("tokenizer.ggml.tokens"));
  }
  // The search began at a round number just below the first prime.
  if (!stated.sizes.empty()) stated.base = stated.sizes[0] / 1'000'000 * 1'000'000;
  return settle_qwen_hash(stated, set.where(), found);
}

Result<FoundTables> find_qwen(const GgufSet& set, const GgufFile& file, const GgufTensor& tensor) {
  auto layers = set.numbers("ple.layers");
  if (!layers) return layers.error();
  if (layers->size() != 1 || (*layers)[0] > 9999) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{}: tables of {} layers in one tensor cannot be told apart",
                             file.path(), layers->size())};
  }
  FoundTables found;
  found.dialect = "llama.cpp, Qwen3.8";
  auto table = read_table(set, file, tensor, static_cast<std::int32_t>((*layers)[0]));
  if (!table) return table.error();
  found.tables.push_back(std::move(*table));
  RETURN_IF_ERROR(read_qwen_hash(set, found));
  return found;
}

std::string dialect_of(const GgufSet& set, const FoundTables& found) {
  const FoundTable& table = found.tables.front();
  if (table.source.parts.size() == 2) return "llama.cpp fork with a tensor of scales (E)";
  if (table.format.kind == Kind::e4m3_e8m0_32) return "ds4 (B)";
  if (table.tensor.find("_embed") != std::string::npos) return "mxxm-t/llama.cpp (C)";
  return set.count("engram.multipliers") > 0 ? "llama.cpp (A)"
                                             : "llama.cpp without hash constants (A or D)";
}

Result<FoundTables> read_tables(const GgufSet& set, const std::vector<std::string>& paths) {
  FoundTables found;
  bool ours = false;
  for (const GgufFile& file : set.files()) {
    auto pages = read_pack_pages(file);
    if (!pages) return pages.error();
    ours = ours || pages->has_value();
    for (const GgufTensor& tensor : file.tensors()) {
      const auto name = parse_name(tensor.name);
      if (!name || !is_table_name(name->second)) {
        const bool qwen = tensor.name == kQwenTensor && set.count(kQwenSizes) > 0;
        if (!qwen) continue;
        auto table = find_qwen(set, file, tensor);
        if (table) table->files = paths;
        return table;
      }
      auto table = pages->has_value() ? read_paged_table(file, tensor, **pages, name->first)
                                      : read_table(set, file, tensor, name->first);
      if (!table) return table.error();
      found.tables.push_back(std::move(*table));
    }
  }
  RETURN_IF_ERROR(finish_tables(set.where(), found));
  const auto type = set.find<std::string_view>("general.type");
  if (ours) {
    found.dialect = "Mneme, in pages";
  } else if (type && *type && **type == "engram-pack") {
    found.dialect = "Mneme";
  } else {
    found.dialect = dialect_of(set, found);
  }
  found.files = paths;
  auto sizes = set.numbers(kQwenSizes);
  if (!sizes) return sizes.error();
  RETURN_IF_ERROR(sizes->empty() ? read_engram_hash(set, found) : read_qwen_hash(set, found));
  return found;
}

}  // namespace

bool has_tables(const ModelSource& source) {
  const bool qwen = std::ranges::any_of(
      source.metadata().entries(),
      [](const MetadataEntry& entry) { return entry.key.ends_with(kQwenSizes); });
  return std::ranges::any_of(source.tensors(), [&](const SourceTensor& tensor) {
    const auto name = parse_name(tensor.name);
    return name ? is_table_name(name->second) : qwen && tensor.name == kQwenTensor;
  });
}

Result<FoundTables> find_gguf_tables(const std::vector<std::string>& paths) {
  auto set = GgufSet::open(paths);
  if (!set) return set.error();
  auto found = read_tables(*set, paths);
  for (const GgufFile& file : set->files()) RETURN_IF_ERROR(file.unchanged());
  return found;
}

}  // namespace mneme
