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

// One block of random weights of deviation kWeightDeviation.
void fill_block(DType type, WeightNoise& noise, std::byte* to) {
  switch (type) {
    case DType::q4_0:
    case DType::q4_1: {
      // Uniform nibbles deviate by 4.61 steps.
      const float step = kWeightDeviation / 4.61f;
      put_half(to, step);
      std::size_t head = 2;
      if (type == DType::q4_1) {
        put_half(to + 2, -7.5f * step);
        head = 4;
      }
      const std::uint64_t bits[2] = {noise.next(), noise.next()};
      std::memcpy(to + head, bits, 16);
      return;
    }
    case DType::q8_0: {
      put_half(to, kWeightDeviation / 73.9f);  // uniform bytes deviate by 73.9 steps
      const std::uint64_t bits[4] = {noise.next(), noise.next(), noise.next(), noise.next()};
      std::memcpy(to + 2, bits, 32);
      return;
    }
    case DType::q4_k:
    case DType::q5_k:
    case DType::q6_k:
      fill_super_block(type, noise, to);
      return;
    default:
      break;
  }
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

class SynthWriter {
 public:
  explicit SynthWriter(const SynthModelOptions& options) : options_(options) {}

  void matrix(const std::string& name, DType type, std::int64_t rows, std::int64_t cols) {
    const std::uint64_t seed = options_.seed * 1000003 + tensors_++;
    writer_.add_tensor(name, ggml_type_of(type), dims(cols, rows),
                       [type, rows, cols, seed](const GgufWriter::Sink& sink) -> Status {
                         WeightNoise noise(seed);
                         std::vector<std::byte> row(row_bytes(type, cols));
                         for (std::int64_t r = 0; r < rows; ++r) {
                           for (std::size_t at = 0; at < row.size(); at += block_bytes(type)) {
                             fill_block(type, noise, row.data() + at);
                           }
                           RETURN_IF_ERROR(sink(row));
                         }
                         return {};
                       });
  }

  void ones(const std::string& name, std::int64_t size) {
    writer_.add_tensor(name, ggml_type_of(DType::f32), {static_cast<std::uint64_t>(size)},
                       [size](const GgufWriter::Sink& sink) {
                         const std::vector<float> values(static_cast<std::size_t>(size), 1.0f);
                         return sink(std::as_bytes(std::span(values)));
                       });
  }

  GgufWriter& file() { return writer_; }

 private:
  static std::vector<std::uint64_t> dims(std::int64_t cols, std::int64_t rows) {
    return {static_cast<std::uint64_t>(cols), static_cast<std::uint64_t>(rows)};
  }

  const SynthModelOptions& options_;
  GgufWriter writer_;
  std::uint64_t tensors_ = 0;
};

Status check_shape(const SynthModelOptions& options) {
  const SynthShape& s = options.shape;
  const bool positive = s.n_layers > 0 && s.dim > 0 && s.hidden_dim > 0 && s.n_heads > 0 &&
                        s.n_kv_heads > 0 && s.vocab_size > 0 && s.context_length > 0;
  if (!positive || s.dim % 32 != 0 || s.hidden_dim % 32 != 0 || s.dim % s.n_heads != 0 ||
      s.n_heads % s.n_kv_heads != 0) {
    return Error{ErrorCode::invalid, "this shape of a model does not work out"};
  }
  for (const DType type : {options.type, options.embed_type}) {
    const DTypeInfo& info = dtype_info(type);
    if (s.dim % info.block_values == 0 && s.hidden_dim % info.block_values == 0) continue;
    return Error{ErrorCode::invalid,
                 fmt::format("{} comes in blocks of {} values, which do not divide rows of {} and "
                             "{}: take another type or shape",
                             info.name, info.block_values, s.dim, s.hidden_dim)};
  }
  return {};
}

}  // namespace

Result<GgufWriter> plan_synth_model(const GgufFile& tokenizer_source,
                                    const SynthModelOptions& options) {
  const SynthShape& s = options.shape;
  RETURN_IF_ERROR(check_shape(options));
  auto tokens =
      tokenizer_source.metadata().require_array<std::string_view>("tokenizer.ggml.tokens");
  if (!tokens) return tokens.error();
  if (static_cast<std::int64_t>(tokens->size()) > s.vocab_size) {
    return Error{ErrorCode::invalid, fmt::format("the tokenizer has {} tokens, the shape only {}",
                                                 tokens->size(), s.vocab_size)};
  }
  SynthWriter writer(options);
  GgufWriter& file = writer.file();
  const auto u32 = [&](std::string_view key, std::int64_t value) {
    file.add_u32(key, static_cast<std::uint32_t>(value));
  };
  file.add_string("general.architecture", "llama");
  file.add_string("general.name", fmt::format("random weights, {} x {}", s.n_layers, s.dim));
  u32("llama.block_count", s.n_layers);
  u32("llama.embedding_length", s.dim);
  u32("llama.feed_forward_length", s.hidden_dim);
  u32("llama.attention.head_count", s.n_heads);
  u32("llama.attention.head_count_kv", s.n_kv_heads);
  u32("llama.context_length", s.context_length);
  u32("llama.rope.dimension_count", s.dim / s.n_heads);
  file.add_f32("llama.rope.freq_base", s.rope_base);
  file.add_f32("llama.attention.layer_norm_rms_epsilon", 1e-5f);
  for (const MetadataEntry& entry : tokenizer_source.metadata().entries()) {
    if (entry.key.starts_with("tokenizer.")) file.add_entry(entry);
  }
  const std::int64_t kv_dim = s.dim / s.n_heads * s.n_kv_heads;
  writer.matrix("token_embd.weight", options.embed_type, s.vocab_size, s.dim);
  for (std::int64_t i = 0; i < s.n_layers; ++i) {
    const std::string p = fmt::format("blk.{}.", i);
    writer.ones(p + "attn_norm.weight", s.dim);
    writer.matrix(p + "attn_q.weight", options.type, s.dim, s.dim);
    writer.matrix(p + "attn_k.weight", options.type, kv_dim, s.dim);
    writer.matrix(p + "attn_v.weight", options.type, kv_dim, s.dim);
    writer.matrix(p + "attn_output.weight", options.type, s.dim, s.dim);
    writer.ones(p + "ffn_norm.weight", s.dim);
    writer.matrix(p + "ffn_gate.weight", options.type, s.hidden_dim, s.dim);
    writer.matrix(p + "ffn_up.weight", options.type, s.hidden_dim, s.dim);
    writer.matrix(p + "ffn_down.weight", options.type, s.dim, s.hidden_dim);
  }
  writer.ones("output_norm.weight", s.dim);
  return std::move(file);
}

Status write_synth_model(const GgufFile& tokenizer_source, const std::string& path,
                         const SynthModelOptions& options) {
  const auto writer = plan_synth_model(tokenizer_source, options);
  return writer ? writer->write(path) : writer.error();
}

}  // namespace mneme
