// SPDX-License-Identifier: Apache-2.0
#include "inference/model/model_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <string_view>
#include <utility>
#include <vector>

#include "base/printable.h"
#include "inference/model/file_error.h"
#include "inference/model/file_kind.h"
#include "inference/model/llama_schema.h"

namespace mneme {
namespace {

// Bounds that no real model of this kind passes; beyond them a file is broken, not large.
constexpr std::int64_t kLayersMax = 1024;
constexpr std::int64_t kWidthMax = 1 << 20;
constexpr float kInfinity = std::numeric_limits<float>::infinity();

bool says(const GgufFile& file, std::string_view key) {
  return file.find_entry(fmt::format("llama.{}", key)) != nullptr;
}

// The value of `llama.<key>`, or `fallback` when the file does not say.
template <class T>
Result<T> value_or(const GgufFile& file, std::string_view key, T fallback) {
  auto value = file.find<T>(fmt::format("llama.{}", key));
  if (!value) return value.error();
  return value->value_or(fallback);
}

Result<std::int64_t> count(const GgufFile& file, std::string_view key, std::int64_t max) {
  auto value = file.require<std::int64_t>(fmt::format("llama.{}", key));
  if (!value) return value.error();
  if (*value < 1 || *value > max) {
    return corrupt(file.name(),
                   fmt::format("llama.{} is {}, which is outside 1 to {}", key, *value, max));
  }
  return *value;
}

// A count that the file may give for each layer, as an array; here all layers are alike.
Result<std::int64_t> count_of_layers(const GgufFile& file, std::string_view key,
                                     std::int64_t layers) {
  const std::string name = fmt::format("llama.{}", key);
  const GgufEntry* entry = file.find_entry(name);
  if (entry == nullptr || entry->type != GgufType::array) return count(file, key, kWidthMax);
  auto values = file.require_array<std::int64_t>(name);
  if (!values) return values.error();
  if (static_cast<std::int64_t>(values->size()) != layers) {
    return corrupt(file.name(),
                   fmt::format("{} has {} values for {} layers", name, values->size(), layers));
  }
  const std::int64_t first = values->front();
  if (std::ranges::any_of(*values, [&](std::int64_t value) { return value != first; })) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} has layers that differ in {}; Mneme runs models whose layers are "
                             "alike",
                             file.name(), name)};
  }
  if (first < 1 || first > kWidthMax) {
    return corrupt(file.name(),
                   fmt::format("{} is {}, which is outside 1 to {}", name, first, kWidthMax));
  }
  return first;
}

// A number above 0 and below `end`.
Result<float> positive(const GgufFile& file, std::string_view key, float end) {
  auto value = file.require<float>(fmt::format("llama.{}", key));
  if (!value) return value.error();
  if (!(*value > 0) || !(*value < end)) {
    return corrupt(file.name(),
                   fmt::format("llama.{} is {}, which is no number above 0{}", key, *value,
                               std::isinf(end) ? "" : fmt::format(" and below {}", end)));
  }
  return *value;
}

Status check_shape(const GgufFile& file, const ModelConfig& c) {
  if (c.dim % 32 != 0)
    return corrupt(file.name(), fmt::format("the width {} is not a multiple of 32", c.dim));
  if (c.n_heads % c.n_kv_heads != 0) {
    return corrupt(file.name(), fmt::format("{} heads cannot share {} key-value heads", c.n_heads,
                                            c.n_kv_heads));
  }
  if (c.rope_dims % 2 != 0 || c.rope_dims > c.head_dim) {
    return corrupt(file.name(), fmt::format("RoPE over {} of {} values of a head makes no sense",
                                            c.rope_dims, c.head_dim));
  }
  return {};
}

// What positions are divided by before they rotate. As llama.cpp reads it: a factor without a type
// is linear, the factor has an old key too, and 0 means none.
Result<float> read_rope_scale(const GgufFile& file) {
  auto type = value_or<std::string_view>(file, "rope.scaling.type", "linear");
  if (!type) return type.error();
  std::string_view key = "rope.scaling.factor";
  if (!says(file, key)) key = "rope.scale_linear";
  auto factor = value_or<float>(file, key, 0.0f);
  if (factor && *factor != 0.0f) factor = positive(file, key, kInfinity);
  if (!factor) return factor.error();
  if (*type == "none") return 1.0f;
  if (*type == "linear") return *factor == 0.0f ? 1.0f : *factor;
  if (*type == "llama3") {  // the factors of each frequency are a tensor
    if (file.find_tensor("rope_freqs.weight") != nullptr) return 1.0f;
    return corrupt(file.name(), "RoPE scaling 'llama3' needs the tensor rope_freqs.weight");
  }
  return Error{ErrorCode::unsupported,
               fmt::format("{} uses RoPE scaling '{}', which Mneme does not compute", file.name(),
                           printable(*type))};
}

// Rows of the embedding behind the last token stand for nothing: none is ever read or picked.
Result<std::int64_t> read_vocabulary(const GgufFile& file) {
  auto embedding = file.require_tensor("token_embd.weight");
  if (!embedding) return embedding.error();
  const GgufEntry* tokens = file.find_entry("tokenizer.ggml.tokens");
  if (tokens == nullptr || tokens->type != GgufType::array) {
    return corrupt(file.name(), "the metadata tokenizer.ggml.tokens is missing or no array");
  }
  const std::uint64_t rows = (*embedding)->dims[1];
  if (rows < tokens->count) {
    return corrupt(file.name(),
                   fmt::format("the tokenizer has {} tokens, but token_embd.weight only {} rows",
                               tokens->count, rows));
  }
  if (tokens->count < 1 || tokens->count > std::numeric_limits<std::int32_t>::max()) {
    return corrupt(file.name(), fmt::format("a vocabulary of {} tokens", tokens->count));
  }
  return static_cast<std::int64_t>(tokens->count);
}

}  // namespace

Result<ModelConfig> ModelConfig::from_gguf(const GgufFile& file) {
  ModelConfig c;
  RETURN_IF_ERROR(check_is_model(file));
  auto architecture = file.require<std::string_view>("general.architecture");
  if (!architecture) return architecture.error();
  c.architecture = *architecture;
  if (c.architecture != "llama") {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} has the architecture '{}'; Mneme runs models of the architecture "
                             "'llama'",
                             file.name(), printable(c.architecture))};
  }
  auto name = file.find<std::string_view>("general.name");
  if (!name) return name.error();
  c.name = name->value_or(file.name());

  auto experts = value_or<std::int64_t>(file, "expert_count", 0);
  if (!experts) return experts.error();
  if (*experts > 0) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} is a mixture of {} experts; Mneme runs dense models so far",
                             file.name(), *experts)};
  }
  auto blocks = count(file, "block_count", kLayersMax);
  if (!blocks) return blocks.error();
  auto draft_layers = value_or<std::int64_t>(file, "nextn_predict_layers", 0);
  if (!draft_layers) return draft_layers.error();
  if (*draft_layers < 0 || *draft_layers >= *blocks) {
    return corrupt(file.name(), fmt::format("llama.nextn_predict_layers is {} of {} layers",
                                            *draft_layers, *blocks));
  }
  c.draft_layers = *draft_layers;
  c.n_layers = *blocks - c.draft_layers;
  auto dim = count(file, "embedding_length", kWidthMax);
  if (!dim) return dim.error();
  c.dim = *dim;
  auto hidden_dim = count_of_layers(file, "feed_forward_length", *blocks);
  if (!hidden_dim) return hidden_dim.error();
  c.hidden_dim = *hidden_dim;
  auto n_heads = count_of_layers(file, "attention.head_count", *blocks);
  if (!n_heads) return n_heads.error();
  c.n_heads = *n_heads;
  c.n_kv_heads = c.n_heads;
  if (says(file, "attention.head_count_kv")) {
    auto n_kv_heads = count_of_layers(file, "attention.head_count_kv", *blocks);
    if (!n_kv_heads) return n_kv_heads.error();
    c.n_kv_heads = *n_kv_heads;
  }
  auto context = count(file, "context_length", std::numeric_limits<std::int32_t>::max());
  if (!context) return context.error();
  c.context_length = *context;

  auto key_length = value_or<std::int64_t>(file, "attention.key_length", c.dim / c.n_heads);
  if (!key_length) return key_length.error();
  auto value_length = value_or<std::int64_t>(file, "attention.value_length", *key_length);
  if (!value_length) return value_length.error();
  auto rope_dims = value_or<std::int64_t>(file, "rope.dimension_count", *key_length);
  if (!rope_dims) return rope_dims.error();
  c.head_dim = *key_length;
  c.rope_dims = *rope_dims;
  if (c.n_kv_heads > c.n_heads || c.head_dim < 1 || c.head_dim > kWidthMax ||
      c.n_heads > kWidthMax / c.head_dim || c.rope_dims < 1) {
    return corrupt(file.name(), "the numbers of heads contradict each other");
  }
  if (*value_length != c.head_dim) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} has keys of {} and values of {} numbers; Mneme needs them equal",
                             file.name(), c.head_dim, *value_length)};
  }
  if (says(file, "rope.freq_base")) {
    auto rope_base = positive(file, "rope.freq_base", kInfinity);
    if (!rope_base) return rope_base.error();
    c.rope_base = *rope_base;
  }
  auto rope_scale = read_rope_scale(file);
  if (!rope_scale) return rope_scale.error();
  c.rope_scale = *rope_scale;
  auto eps = positive(file, "attention.layer_norm_rms_epsilon", 1.0f);
  if (!eps) return eps.error();
  c.norm_eps = *eps;
  auto vocab_size = read_vocabulary(file);
  if (!vocab_size) return vocab_size.error();
  c.vocab_size = *vocab_size;
  RETURN_IF_ERROR(check_shape(file, c));
  RETURN_IF_ERROR(check_model_keys(file, c));
  return c;
}

}  // namespace mneme
