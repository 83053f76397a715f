// SPDX-License-Identifier: Apache-2.0
#include "inference/model/synth_model.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <span>
#include <string_view>
#include <utility>
#include <vector>

#include "base/half.h"
#include "inference/files/ggml_type.h"
#include "inference/files/model_source.h"
#include "inference/model/build_graph.h"
#include "inference/model/model_config.h"

namespace mneme {
namespace {

constexpr float kWeightDeviation = 0.02f;  // as transformers are initialised

// xorshift128+: a gigabyte of noise in seconds, the same everywhere.
class WeightNoise {
 public:
  explicit WeightNoise(std::uint64_t seed)
      : a_(seed * 0x9E3779B97F4A7C15u + 1), b_(seed ^ 0xD1B54A32D192ED03u) {
    for (int i = 0; i < 16; ++i) next();
  }
  std::uint64_t next() {
    std::uint64_t x = a_;
    const std::uint64_t y = b_;
    a_ = y;
    x ^= x << 23;
    b_ = x ^ y ^ (x >> 17) ^ (y >> 26);
    return b_ + y;
  }
  // Sum of four uniform values: close enough to a normal distribution of deviation 1.
  float normal() {
    const std::uint64_t bits = next();
    const auto part = [&](int shift) {
      return static_cast<float>((bits >> shift) & 0xffff) / 65536.0f - 0.5f;
    };
    return (part(0) + part(16) + part(32) + part(48)) * 1.7320508f;
  }

 private:
  std::uint64_t a_, b_;
};

void put_half(std::byte* to, float value) {
  const std::uint16_t bits = float_to_half(value);
  std::memcpy(to, &bits, 2);
}

// All is random but the block's own scales: pairs of 6 bits (8 in Q6_K) times values deviate by
// 258, 527 and 1365 steps, around 0 where the minima's scale is the mean of the values.
void fill_super_block(DType type, WeightNoise& noise, std::byte* to) {
  const auto bytes = static_cast<std::size_t>(dtype_info(type).block_bytes);
  for (std::size_t at = 0; at < bytes; at += 2) {
    const std::uint64_t bits = noise.next();
    std::memcpy(to + at, &bits, 2);
  }
  if (type == DType::q6_k) {
    put_half(to + 208, kWeightDeviation / 1365);
    return;
  }
  const float step = kWeightDeviation / (type == DType::q4_k ? 258.0f : 527.0f);
  put_half(to, step);
  put_half(to + 2, (type == DType::q4_k ? 7.5f : 15.5f) * step);
}

// A block of 32: uniform codes of 4, 5 and 8 bits deviate by 4.61, 9.23 and 73.9 steps.
void fill_block_of_32(const DTypeInfo& type, WeightNoise& noise, std::byte* to) {
  const float step = kWeightDeviation / (type.bits == 4 ? 4.61f : type.bits == 5 ? 9.23f : 73.9f);
  put_half(to, step);
  std::int64_t at = 2;
  if (type.has_minimum) {
    put_half(to + at, (0.5f - static_cast<float>(1 << (type.bits - 1))) * step);
    at += 2;
  }
  while (at < type.block_bytes) {
    const std::uint64_t bits = noise.next();
    const std::int64_t bytes = std::min<std::int64_t>(8, type.block_bytes - at);
    std::memcpy(to + at, &bits, static_cast<std::size_t>(bytes));
    at += bytes;
  }
}

// One block of random weights of deviation kWeightDeviation; 32 of types without blocks.
void fill_block(DType type, WeightNoise& noise, std::byte* to) {
  const DTypeInfo& info = dtype_info(type);
  if (info.block_values == 32) return fill_block_of_32(info, noise, to);
  if (info.block_values == 256) return fill_super_block(type, noise, to);
  for (int i = 0; i < 32; ++i) {
    const float value = kWeightDeviation * noise.normal();
    if (type == DType::f32) {
      std::memcpy(to + 4 * i, &value, 4);
    } else {
      const std::uint16_t bits = type == DType::f16 ? float_to_half(value) : float_to_bfloat(value);
      std::memcpy(to + 2 * i, &bits, 2);
    }
  }
}

std::size_t block_bytes(DType type) {
  return row_bytes(type, std::max<std::int64_t>(32, dtype_info(type).block_values));
}

void add_matrix(GgufWriter& file, const WeightNeed& need, DType type, std::uint64_t seed) {
  const auto rows = static_cast<std::uint64_t>(need.depth * need.rows);
  const auto cols = static_cast<std::uint64_t>(need.cols);
  std::vector<std::uint64_t> dims{cols, static_cast<std::uint64_t>(need.rows)};
  if (need.depth > 1) dims.push_back(static_cast<std::uint64_t>(need.depth));
  file.add_tensor(need.name, ggml_type_of(type), std::move(dims),
                  [type, rows, cols, seed](const GgufWriter::Sink& sink) -> Status {
                    WeightNoise noise(seed);
                    std::vector<std::byte> row(row_bytes(type, static_cast<std::int64_t>(cols)));
                    for (std::uint64_t r = 0; r < rows; ++r) {
                      for (std::size_t at = 0; at < row.size(); at += block_bytes(type)) {
                        fill_block(type, noise, row.data() + at);
                      }
                      RETURN_IF_ERROR(sink(row));
                    }
                    return {};
                  });
}

// A norm that leaves its input as it is.
void add_ones(GgufWriter& file, const WeightNeed& need) {
  const auto size = static_cast<std::size_t>(need.cols);
  file.add_tensor(need.name, ggml_type_of(DType::f32), {size},
                  [size](const GgufWriter::Sink& sink) {
                    const std::vector<float> values(size, 1.0f);
                    return sink(std::as_bytes(std::span(values)));
                  });
}

void add_settings(GgufWriter& file, const SynthShape& s) {
  file.add_string("general.architecture", s.family);
  file.add_string("general.name", fmt::format("random weights, {} x {}", s.n_layers, s.dim));
  const auto u32 = [&](std::string_view key, std::int64_t value) {
    file.add_u32(fmt::format("{}.{}", s.family, key), static_cast<std::uint32_t>(value));
  };
  const auto f32 = [&](std::string_view key, float value) {
    file.add_f32(fmt::format("{}.{}", s.family, key), value);
  };
  u32("block_count", s.n_layers);
  u32("embedding_length", s.dim);
  u32("feed_forward_length", s.hidden_dim);
  u32("attention.head_count", s.n_heads);
  u32("attention.head_count_kv", s.n_kv_heads);
  u32("context_length", s.context_length);
  const std::int64_t head_dim =
      s.head_dim > 0 ? s.head_dim : s.dim / std::max<std::int64_t>(s.n_heads, 1);
  u32("attention.key_length", head_dim);
  u32("attention.value_length", head_dim);
  u32("rope.dimension_count", head_dim);
  if (s.window > 0) u32("attention.sliding_window", s.window);
  if (s.experts > 0) {
    u32("expert_count", s.experts);
    u32("expert_used_count", s.experts_used);
    u32("expert_feed_forward_length", s.hidden_dim);
  }
  f32("rope.freq_base", s.rope_base);
  f32("attention.layer_norm_rms_epsilon", 1e-5f);
}

// What a model of these settings and of a vocabulary of so many rows needs, as if it were opened.
Result<ModelNeeds> needs_of_file(const GgufWriter& file, const SynthShape& shape) {
  const std::string head = file.head();
  const auto parsed = GgufFile::parse(std::as_bytes(std::span(head)), "this shape of a model");
  if (!parsed) return parsed.error();
  SourceContents contents;
  contents.metadata = parsed->metadata();
  SourceTensor& embedding = contents.tensors.emplace_back();
  embedding.name = embedding.name_in_file = "token_embd.weight";
  embedding.dims = {static_cast<std::uint64_t>(shape.dim),
                    static_cast<std::uint64_t>(shape.vocab_size), 1, 1};
  const auto source = ModelSource::from(std::move(contents));
  if (!source) return source.error();
  const auto config = ModelConfig::read(*source);
  if (!config) return config.error();
  return needs_of(*config);
}

}  // namespace

Result<GgufWriter> plan_synth_model(const GgufFile& tokenizer_source,
                                    const SynthModelOptions& options) {
  const SynthShape& shape = options.shape;
  const Metadata& tokenizer = tokenizer_source.metadata();
  auto tokens = tokenizer.require_array<std::string_view>("tokenizer.ggml.tokens");
  if (!tokens) return tokens.error();
  if (static_cast<std::int64_t>(tokens->size()) > shape.vocab_size) {
    return Error{ErrorCode::invalid, fmt::format("the tokenizer has {} tokens, the shape only {}",
                                                 tokens->size(), shape.vocab_size)};
  }
  GgufWriter file;
  add_settings(file, shape);
  for (const MetadataEntry& entry : tokenizer.entries()) {
    if (entry.key.starts_with("tokenizer.")) file.add_entry(entry);
  }
  auto needs = needs_of_file(file, shape);
  if (!needs) return needs.error();
  std::uint64_t matrices = 0;
  for (WeightNeed& need : needs->weights) {
    if (need.optional) continue;
    if (need.rule == WeightRule::vector) {
      add_ones(file, need);
      continue;
    }
    const bool vocabulary = need.rule == WeightRule::vocabulary;
    if (vocabulary) need.rows = shape.vocab_size;
    const DType type = vocabulary ? options.embed_type : options.type;
    const DTypeInfo& info = dtype_info(type);
    if (need.cols % std::max<std::int64_t>(32, info.block_values) != 0) {
      return Error{ErrorCode::invalid,
                   fmt::format("{} comes in blocks of {} values, which do not divide rows of {}: "
                               "take another type or shape",
                               info.name, info.block_values, need.cols)};
    }
    add_matrix(file, need, type, options.seed * 1000003 + matrices++);
  }
  return file;
}

Status write_synth_model(const GgufFile& tokenizer_source, const std::string& path,
                         const SynthModelOptions& options) {
  const auto writer = plan_synth_model(tokenizer_source, options);
  return writer ? writer->write(path) : writer.error();
}

}  // namespace mneme
