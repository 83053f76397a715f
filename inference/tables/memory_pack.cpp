// SPDX-License-Identifier: Apache-2.0
#include "inference/tables/memory_pack.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/files/file_kind.h"
#include "inference/files/model_source.h"
#include "inference/tables/pack_pages.h"

namespace mneme {
namespace {

constexpr std::int64_t kPackVersion = 1;
constexpr std::int64_t kColumnDimsMax = 4096;
constexpr std::int64_t kHeadsMax = 64;
constexpr std::int64_t kStreamsMax = 16;
constexpr std::size_t kPackLayersMax = 64;

Status read_int(const GgufFile& file, std::string_view key, std::int64_t low, std::int64_t high,
                std::int32_t& to) {
  auto value = file.metadata().require<std::int64_t>(key);
  if (!value) return value.error();
  if (*value < low || *value > high) {
    return corrupt(file.name(),
                   fmt::format("{} is {}, which is outside {} to {}", key, *value, low, high));
  }
  to = static_cast<std::int32_t>(*value);
  return {};
}

Status read_eps(const GgufFile& file, std::string_view key, float& to) {
  auto value = file.metadata().require<float>(key);
  if (!value) return value.error();
  if (!(*value > 0) || !(*value < 1))
    return corrupt(file.name(), fmt::format("{} is not between 0 and 1", key));
  to = *value;
  return {};
}

Status read_text(const GgufFile& file, std::string_view key, std::string& to) {
  auto value = file.metadata().require<std::string_view>(key);
  if (!value) return value.error();
  to = *value;
  return {};
}

// Every key of engram/PACK.md; another one may say that rows are to be used otherwise.
constexpr std::array kPackKeys = std::to_array<std::string_view>(
    {"base_sha256",    "block_count",      "checksum",       "conv_dilation",    "conv_kernel",
     "conv_norm_eps",  "embedding_length", "encoding",       "gate_norm_eps",    "head_count",
     "key_length",     "layer_ids",        "max_ngram_size", "multipliers",      "offsets",
     "packed_from",    "pad_id",           "page_bytes",     "primes",           "streams",
     "synthetic_seed", "table_rows",       "token_map",      "tokenizer_sha256", "trained",
     "variant",        "version"});

Status check_pack_keys(const GgufFile& file) {
  constexpr std::string_view kPrefix = "engram.";
  for (const MetadataEntry& entry : file.metadata().entries()) {
    if (!entry.key.starts_with(kPrefix)) continue;
    if (std::ranges::find(kPackKeys, entry.key.substr(kPrefix.size())) != kPackKeys.end()) continue;
    return Error{ErrorCode::unsupported,
                 fmt::format("{} has the setting {}, which Mneme does not know: answers with this "
                             "memory could be wrong",
                             file.name(), printable(entry.key))};
  }
  return {};
}

// Multipliers, primes and offsets are stored layer after layer; cut them up.
Status read_hash_layers(const GgufFile& file, const std::vector<std::int32_t>& layer_ids,
                        HashSpec& hash) {
  const auto read = [&](std::string_view key, std::size_t per_layer,
                        std::vector<std::uint64_t> LayerHash::*field) -> Status {
    auto values = file.metadata().require_array<std::uint64_t>(key);
    if (!values) return values.error();
    if (values->size() != per_layer * layer_ids.size()) {
      return corrupt(file.name(),
                     fmt::format("{} has {} values; {} layers need {}", key, values->size(),
                                 layer_ids.size(), per_layer * layer_ids.size()));
    }
    for (std::size_t l = 0; l < layer_ids.size(); ++l) {
      const auto first = values->begin() + static_cast<std::ptrdiff_t>(l * per_layer);
      (hash.layers[l].*field).assign(first, first + static_cast<std::ptrdiff_t>(per_layer));
    }
    return {};
  };
  hash.layers.resize(layer_ids.size());
  const auto orders = static_cast<std::size_t>(hash.max_ngram_size);
  const auto columns = static_cast<std::size_t>(hash.columns());
  RETURN_IF_ERROR(read("engram.multipliers", orders, &LayerHash::multipliers));
  RETURN_IF_ERROR(read("engram.primes", columns, &LayerHash::primes));
  RETURN_IF_ERROR(read("engram.offsets", columns, &LayerHash::offsets));
  for (std::size_t l = 0; l < layer_ids.size(); ++l) {
    LayerHash& layer = hash.layers[l];
    layer.layer_id = layer_ids[l];
    layer.rows = 0;
    for (const std::uint64_t prime : layer.primes) {
      if (prime == 0 || prime > (std::uint64_t{1} << 48)) {
        return corrupt(file.name(), fmt::format("engram.primes has the impossible size {}", prime));
      }
      layer.rows += prime;
    }
  }
  return {};
}

std::string tensor_name(std::int32_t layer, std::string_view what) {
  return fmt::format("blk.{}.engram_{}", layer, what);
}

Status check_table(const GgufFile& file, const PackHeader& header, const LayerHash& layer) {
  const std::string name = tensor_name(layer.layer_id, "embd.weight");
  auto found = file.require_tensor(name);
  if (!found) return found.error();
  const GgufTensor& table = **found;
  auto pages = read_pack_pages(file);
  if (!pages) return pages.error();
  if (pages->has_value()) {
    auto paged = read_paged_table(file, table, **pages, layer.layer_id);
    if (!paged) return paged.error();
    if (paged->source.rows != layer.rows) {
      return corrupt(file.name(), fmt::format("table {} has {} rows, but its primes add up to {}",
                                              name, paged->source.rows, layer.rows));
    }
    return {};
  }
  if (table.dtype != DType::i8 || table.dims[0] != header.row_bytes() || table.dims[2] != 1 ||
      table.dims[3] != 1) {
    return corrupt(
        file.name(),
        fmt::format("table {} must hold I8 rows of {} bytes ({} values and their scales)", name,
                    header.row_bytes(), header.column_dims));
  }
  if (table.dims[1] != layer.rows) {
    return corrupt(file.name(), fmt::format("table {} has {} rows, but its primes add up to {}",
                                            name, table.dims[1], layer.rows));
  }
  return {};
}

}  // namespace

bool is_memory_pack(const GgufFile& file) {
  auto type = file.metadata().find<std::string_view>("general.type");
  return type && type->has_value() && **type == "engram-pack";
}

Result<PackHeader> read_pack_header(const GgufFile& file) {
  if (!is_memory_pack(file)) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} is not a memory pack (general.type is not 'engram-pack')", file.name())};
  }
  PackHeader h;
  RETURN_IF_ERROR(check_is_whole(file.metadata()));
  RETURN_IF_ERROR(read_int(file, "engram.version", 0, 1 << 30, h.version));
  if (h.version > kPackVersion) {  // before keys that only the newer program knows
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} is of a newer Mneme (its version is {}, this program knows {}): use "
                    "the newer program for this pack",
                    file.name(), h.version, kPackVersion)};
  }
  RETURN_IF_ERROR(check_pack_keys(file));
  RETURN_IF_ERROR(read_text(file, "engram.variant", h.variant));
  RETURN_IF_ERROR(read_text(file, "engram.encoding", h.encoding));
  if (h.version != kPackVersion || h.variant != "paper" || h.encoding != "e4m3_e8m0_32") {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} is a pack of version {}, variant '{}', encoding '{}'; Mneme reads "
                             "version 1, 'paper', 'e4m3_e8m0_32'",
                             file.name(), h.version, printable(h.variant), printable(h.encoding))};
  }
  auto name = file.metadata().find<std::string_view>("general.name");
  if (!name) return name.error();
  h.name = name->value_or(file.name());
  auto license = file.metadata().find<std::string_view>("general.license");
  if (!license) return license.error();
  h.license = license->value_or("");
  auto trained = file.metadata().find<bool>("engram.trained");
  if (!trained) return trained.error();
  h.trained = trained->value_or(true);

  RETURN_IF_ERROR(read_int(file, "engram.max_ngram_size", 2, kMaxNgramSize, h.hash.max_ngram_size));
  RETURN_IF_ERROR(read_int(file, "engram.head_count", 1, kHeadsMax, h.hash.head_count));
  RETURN_IF_ERROR(read_int(file, "engram.key_length", 32, kColumnDimsMax, h.column_dims));
  if (h.column_dims % 32 != 0)
    return corrupt(file.name(), "engram.key_length is not a multiple of 32");
  RETURN_IF_ERROR(read_int(file, "engram.streams", 1, kStreamsMax, h.streams));
  std::int32_t number = 0;
  RETURN_IF_ERROR(read_int(file, "engram.embedding_length", 1, 1 << 20, number));
  h.embedding_length = number;
  RETURN_IF_ERROR(read_int(file, "engram.block_count", 1, 1024, number));
  h.block_count = number;
  RETURN_IF_ERROR(read_int(file, "engram.conv_kernel", 1, 16, h.conv_kernel));
  RETURN_IF_ERROR(read_int(file, "engram.conv_dilation", 1, 64, h.conv_dilation));
  RETURN_IF_ERROR(read_eps(file, "engram.gate_norm_eps", h.gate_norm_eps));
  RETURN_IF_ERROR(read_eps(file, "engram.conv_norm_eps", h.conv_norm_eps));
  RETURN_IF_ERROR(read_text(file, "engram.tokenizer_sha256", h.tokenizer_sha256));
  RETURN_IF_ERROR(read_text(file, "engram.base_sha256", h.base_sha256));
  RETURN_IF_ERROR(read_int(file, "engram.pad_id", 0, 1 << 30, h.hash.pad_class));

  auto layer_ids = file.metadata().require_array<std::int32_t>("engram.layer_ids");
  if (!layer_ids) return layer_ids.error();
  const std::set<std::int32_t> distinct(layer_ids->begin(), layer_ids->end());
  if (layer_ids->empty() || layer_ids->size() > kPackLayersMax ||
      distinct.size() != layer_ids->size() || *distinct.begin() < 0 ||
      *distinct.rbegin() >= h.block_count) {
    return corrupt(
        file.name(),
        fmt::format("engram.layer_ids must name different blocks from 0 to {}", h.block_count - 1));
  }
  auto token_map = file.metadata().require_array<std::int32_t>("engram.token_map");
  if (!token_map) return token_map.error();
  h.hash.token_map = std::move(*token_map);
  RETURN_IF_ERROR(read_hash_layers(file, *layer_ids, h.hash));
  auto hasher = NgramHasher::create(h.hash);
  if (!hasher) return hasher.error().with(file.name());
  for (const LayerHash& layer : h.hash.layers) RETURN_IF_ERROR(check_table(file, h, layer));
  return h;
}

Status check_pack_fits(const GgufFile& file, const PackHeader& header, const ModelConfig& config,
                       const std::string& tokenizer_sha256) {
  const auto refuse = [&](std::string_view why) {
    return Error{ErrorCode::invalid,
                 fmt::format("the memory pack {} does not fit this model: {}", file.name(), why)};
  };
  if (header.tokenizer_sha256 != tokenizer_sha256) {
    return refuse("it was made for another tokenizer");
  }
  if (header.embedding_length != config.dim) {
    return refuse(fmt::format("it is {} wide, the model {}", header.embedding_length, config.dim));
  }
  if (header.block_count != config.n_layers()) {
    return refuse(fmt::format("it was made for {} blocks, the model has {}", header.block_count,
                              config.n_layers()));
  }
  if (header.streams != 1) {
    return refuse(fmt::format("it has {} residual streams, the model 1", header.streams));
  }
  if (static_cast<std::int64_t>(header.hash.token_map.size()) < config.vocab_size) {
    return refuse(fmt::format("its token map has {} entries, the vocabulary {}",
                              header.hash.token_map.size(), config.vocab_size));
  }
  return {};
}

namespace {

// Calls `each(tensor, name, rows, cols, is_float)` for what a layer computes with besides its
// table. `is_float`: F32 only; the others may be F16 too.
template <class Each>
Status for_each_weight(const PackHeader& h, std::int32_t layer, EngramLayerWeights& w, Each each) {
  const std::int64_t width = h.embedding_length;
  const std::int64_t streams_width = h.streams * width;
  const std::int64_t memory = h.memory_width();
  const auto name = [&](std::string_view what) { return tensor_name(layer, what); };
  RETURN_IF_ERROR(each(w.key, name("key.weight"), streams_width, memory, false));
  RETURN_IF_ERROR(each(w.key_bias, name("key.bias"), 1, streams_width, true));
  RETURN_IF_ERROR(each(w.value, name("value.weight"), width, memory, false));
  RETURN_IF_ERROR(each(w.value_bias, name("value.bias"), 1, width, true));
  RETURN_IF_ERROR(each(w.key_norm, name("key_norm.weight"), 1, streams_width, true));
  RETURN_IF_ERROR(each(w.query_norm, name("query_norm.weight"), 1, streams_width, true));
  RETURN_IF_ERROR(each(w.conv, name("conv.weight"), streams_width, h.conv_kernel, true));
  return each(w.conv_norm, name("conv_norm.weight"), 1, streams_width, true);
}

}  // namespace

Status check_pack_tensors(const GgufFile& file, const PackHeader& header) {
  const auto source = ModelSource::from_gguf(file);
  if (!source) return source.error();
  std::set<std::string, std::less<>> known;
  for (const LayerHash& layer : header.hash.layers) {
    known.insert(tensor_name(layer.layer_id, "embd.weight"));
    EngramLayerWeights none;
    RETURN_IF_ERROR(for_each_weight(
        header, layer.layer_id, none,
        [&](WeightTensor&, const std::string& name, std::int64_t rows, std::int64_t cols,
            bool is_float) -> Status {
          known.insert(name);
          const auto tensor = find_weight(*source, name, rows, cols);
          if (!tensor) return tensor.error();
          const DType dtype = *(*tensor)->dtype;
          if (dtype == DType::f32 || (!is_float && dtype == DType::f16)) return {};
          return Error{
              ErrorCode::unsupported,
              fmt::format("{}: tensor {} has the type {}; a pack holds {}", file.name(), name,
                          dtype_info(dtype).name, is_float ? "it as F32" : "F32 or F16")};
        }));
  }
  for (const GgufTensor& tensor : file.tensors()) {
    if (known.contains(tensor.name)) continue;
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} has the tensor {}, which Mneme does not compute with: answers with "
                    "this memory would be wrong",
                    file.name(), printable(tensor.name))};
  }
  return {};
}

Result<MemoryPack> MemoryPack::open(const GgufFile& file, const ModelConfig& config,
                                    const std::string& tokenizer_sha256,
                                    const std::string& base_sha256, const Placement& placement) {
  auto header = read_pack_header(file);
  if (!header) return header.error();
  RETURN_IF_ERROR(check_pack_fits(file, *header, config, tokenizer_sha256));
  RETURN_IF_ERROR(check_pack_tensors(file, *header));
  auto hasher = NgramHasher::create(header->hash);
  if (!hasher) return hasher.error();

  auto pages = read_pack_pages(file);
  if (!pages) return pages.error();
  const auto source = ModelSource::from_gguf(file);
  if (!source) return source.error();
  MemoryPack pack;
  MemoryLayout& layout = pack.layout;
  for (const LayerHash& layer : header->hash.layers) {
    EngramLayerWeights weights;
    Backend& backend = placement.of_layer(layer.layer_id);
    RETURN_IF_ERROR(for_each_weight(*header, layer.layer_id, weights,
                                    [&](WeightTensor& to, const std::string& name,
                                        std::int64_t rows, std::int64_t cols, bool) -> Status {
                                      auto bound = bind_weight(*source, name, rows, cols, backend);
                                      if (!bound) return bound.error();
                                      to = std::move(*bound);
                                      return {};
                                    }));
    pack.layers.push_back(std::move(weights));
    const GgufTensor* table = file.find_tensor(tensor_name(layer.layer_id, "embd.weight"));
    if (pages->has_value()) {
      auto paged = read_paged_table(file, *table, **pages, layer.layer_id);
      if (!paged) return paged.error();
      pack.tables.push_back(std::move(paged->source));
    } else {
      pack.tables.push_back(
          plain_table(file.path(), table->file_offset, layer.rows, header->row_bytes()));
    }
    layout.layer_ids.push_back(layer.layer_id);
    layout.rows += layer.rows;
    layout.table_bytes += layer.rows * header->row_bytes();
  }
  layout.name = header->name;
  layout.path = file.path();
  layout.license = header->license;
  layout.trained = header->trained;
  layout.streams = header->streams;
  layout.max_ngram_size = header->hash.max_ngram_size;
  layout.head_count = header->hash.head_count;
  layout.column_dims = header->column_dims;
  layout.file_bytes = file.file_size();
  if (header->base_sha256 != base_sha256) {
    layout.warning =
        "this pack was trained with another file of this model: it fits, but what it "
        "adds may suit this one less";
  }
  pack.hasher = std::make_shared<const NgramHasher>(std::move(*hasher));
  pack.header = std::move(*header);
  return pack;
}

}  // namespace mneme
