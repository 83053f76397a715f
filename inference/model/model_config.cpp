// SPDX-License-Identifier: Apache-2.0
#include "inference/model/model_config.h"

#include <fmt/format.h>

#include <initializer_list>
#include <limits>
#include <string_view>
#include <utility>

namespace mneme {
namespace {

// Bounds that no real model of this kind passes; beyond them a file is broken, not large.
constexpr std::int64_t kLayersMax = 1024;
constexpr std::int64_t kWidthMax = 1 << 20;

Error bad(const GgufFile& file, std::string_view what) {
  return Error{ErrorCode::corrupt, fmt::format("{}: {}", file.name(), what)};
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
    return bad(file, fmt::format("llama.{} is {}, which is outside 1 to {}", key, *value, max));
  }
  return *value;
}

Status check_shape(const GgufFile& file, const ModelConfig& c) {
  if (c.dim % 32 != 0) return bad(file, fmt::format("the width {} is not a multiple of 32", c.dim));
  if (c.n_heads % c.n_kv_heads != 0) {
    return bad(file,
               fmt::format("{} heads cannot share {} key-value heads", c.n_heads, c.n_kv_heads));
  }
  if (c.rope_dims % 2 != 0 || c.rope_dims > c.head_dim) {
    return bad(file, fmt::format("RoPE over {} of {} values of a head makes no sense", c.rope_dims,
                                 c.head_dim));
  }
  if (!(c.rope_base > 0) || !(c.norm_eps > 0) || !(c.norm_eps < 1)) {
    return bad(file, "the RoPE base or the norm's epsilon is not a positive number");
  }
  return {};
}

Status check_rope_scaling(const GgufFile& file) {
  auto scaling = file.find<std::string_view>("llama.rope.scaling.type");
  if (!scaling) return scaling.error();
  const bool llama3 = scaling->has_value() && **scaling == "llama3";
  if (scaling->has_value() && **scaling != "none" && !llama3) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} uses RoPE scaling '{}', which Mneme does not compute", file.name(),
                             **scaling)};
  }
  if (llama3 && file.find_tensor("rope_freqs.weight") == nullptr) {
    return bad(file, "RoPE scaling 'llama3' needs the tensor rope_freqs.weight");
  }
  auto linear = value_or<float>(file, "rope.scale_linear", 1.0f);
  if (!linear) return linear.error();
  if (*linear != 1.0f) {
    return Error{
        ErrorCode::unsupported,
        fmt::format("{} uses linear RoPE scaling, which Mneme does not compute", file.name())};
  }
  return {};
}

}  // namespace

Result<ModelConfig> ModelConfig::from_gguf(const GgufFile& file) {
  ModelConfig c;
  auto architecture = file.require<std::string_view>("general.architecture");
  if (!architecture) {
    auto type = file.find<std::string_view>("general.type");
    if (type && type->has_value() && **type == "engram-pack") {
      return Error{
          ErrorCode::unsupported,
          fmt::format("{} is a memory pack, not a model: give it as the memory", file.name())};
    }
    return architecture.error();
  }
  c.architecture = *architecture;
  if (c.architecture != "llama") {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} has the architecture '{}'; Mneme runs models of the architecture "
                             "'llama'",
                             file.name(), c.architecture)};
  }
  auto name = file.find<std::string_view>("general.name");
  if (!name) return name.error();
  c.name = name->value_or(file.name());

  const auto read = [&](std::int64_t& field, std::string_view key, std::int64_t max) -> Status {
    auto value = count(file, key, max);
    if (!value) return value.error();
    field = *value;
    return {};
  };
  RETURN_IF_ERROR(read(c.n_layers, "block_count", kLayersMax));
  RETURN_IF_ERROR(read(c.dim, "embedding_length", kWidthMax));
  RETURN_IF_ERROR(read(c.hidden_dim, "feed_forward_length", kWidthMax));
  RETURN_IF_ERROR(read(c.n_heads, "attention.head_count", kWidthMax));
  RETURN_IF_ERROR(
      read(c.context_length, "context_length", std::numeric_limits<std::int32_t>::max()));

  auto n_kv_heads = value_or<std::int64_t>(file, "attention.head_count_kv", c.n_heads);
  if (!n_kv_heads) return n_kv_heads.error();
  auto key_length = value_or<std::int64_t>(file, "attention.key_length", c.dim / c.n_heads);
  if (!key_length) return key_length.error();
  auto value_length = value_or<std::int64_t>(file, "attention.value_length", *key_length);
  if (!value_length) return value_length.error();
  auto rope_dims = value_or<std::int64_t>(file, "rope.dimension_count", *key_length);
  if (!rope_dims) return rope_dims.error();
  c.n_kv_heads = *n_kv_heads;
  c.head_dim = *key_length;
  c.rope_dims = *rope_dims;
  if (c.n_kv_heads < 1 || c.n_kv_heads > c.n_heads || c.head_dim < 1 || c.head_dim > kWidthMax ||
      c.n_heads > kWidthMax / c.head_dim || c.rope_dims < 1) {
    return bad(file, "the numbers of heads contradict each other");
  }
  if (*value_length != c.head_dim) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} has keys of {} and values of {} numbers; Mneme needs them equal",
                             file.name(), c.head_dim, *value_length)};
  }
  auto rope_base = value_or<float>(file, "rope.freq_base", c.rope_base);
  if (!rope_base) return rope_base.error();
  c.rope_base = *rope_base;
  auto eps = value_or<float>(file, "attention.layer_norm_rms_epsilon", c.norm_eps);
  if (!eps) return eps.error();
  c.norm_eps = *eps;

  auto embedding = file.require_tensor("token_embd.weight");
  if (!embedding) return embedding.error();
  c.vocab_size = static_cast<std::int64_t>((*embedding)->dims[1]);
  if (c.vocab_size > std::numeric_limits<std::int32_t>::max())
    return bad(file, "the vocabulary is too large");
  auto experts = value_or<std::int64_t>(file, "expert_count", 0);
  if (!experts) return experts.error();
  if (*experts > 0) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} is a mixture of {} experts; Mneme runs dense models so far",
                             file.name(), *experts)};
  }
  RETURN_IF_ERROR(check_shape(file, c));
  RETURN_IF_ERROR(check_rope_scaling(file));
  return c;
}

}  // namespace mneme
