// SPDX-License-Identifier: Apache-2.0
#include "tests/gpu/random_llama.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/half.h"

namespace mneme {
namespace {

std::uint64_t next(std::uint64_t& x) {
  x ^= x << 13;
  x ^= x >> 7;
  return x ^= x << 17;
}

void put_half(std::byte* at, double value) {
  const std::uint16_t bits = float_to_half(static_cast<float>(value));
  std::memcpy(at, &bits, sizeof bits);
}

// Weights of mean 0 and variance 1 / cols, so that activations keep their size.
void fill(std::span<std::byte> bytes, DType dtype, std::int64_t cols, std::uint64_t& random) {
  const double size = 1 / std::sqrt(static_cast<double>(cols));
  const auto uniform = [&] { return static_cast<double>(next(random) >> 11) * 0x1p-53 * 2 - 1; };
  const DTypeInfo& info = dtype_info(dtype);
  for (std::size_t at = 0; at < bytes.size(); at += static_cast<std::size_t>(info.block_bytes)) {
    std::byte* block = bytes.data() + at;
    const double scale = size * (1 + 0.3 * uniform());
    if (info.block_values == 1) {
      const float value = static_cast<float>(size * 1.7 * uniform());
      if (dtype == DType::f32) std::memcpy(block, &value, 4);
      if (dtype == DType::f16) put_half(block, value);
      if (dtype == DType::bf16) {
        const std::uint16_t bits = float_to_bfloat(value);
        std::memcpy(block, &bits, 2);
      }
      continue;
    }
    for (std::int64_t i = 2; i < info.block_bytes; ++i) {
      block[i] = static_cast<std::byte>(next(random) >> 56);
    }
    const double step = scale / (info.bits == 8 ? 74 : 4.6);  // what uniform codes deviate by
    put_half(block, step);
    if (info.has_minimum) put_half(block + 2, -7.5 * step);
  }
}

}  // namespace

const Buffer& RandomLlama::buffer(Backend& backend, std::size_t bytes) {
  auto buffer = backend.alloc(bytes, MemoryKind::host_visible);
  CHECK(buffer.has_value());
  return buffers_.emplace_back(std::move(*buffer));
}

TensorId RandomLlama::weight(Backend& backend, DType dtype, std::int64_t rows, std::int64_t cols) {
  const std::size_t bytes = static_cast<std::size_t>(rows) * row_bytes(dtype, cols);
  const Buffer& memory = buffer(backend, bytes);
  // Large weights repeat a random part: numbers are slower to draw than to read.
  const std::size_t drawn = std::min<std::size_t>(bytes, 4096 * row_bytes(dtype, 128));
  fill(memory.host().first(drawn), dtype, cols, random_);
  for (std::size_t at = drawn; at < bytes; at += drawn) {
    std::memcpy(memory.host().data() + at, memory.host().data(), std::min(drawn, bytes - at));
  }
  weight_bytes_ += bytes;
  return builder_.constant("w", dtype, rows, cols, memory);
}

TensorId RandomLlama::ones(Backend& backend, std::int64_t cols) {
  const Buffer& memory = buffer(backend, static_cast<std::size_t>(cols) * 4);
  auto* values = reinterpret_cast<float*>(memory.host().data());
  for (std::int64_t i = 0; i < cols; ++i) values[i] = 1.0f + 0.2f * static_cast<float>(i % 7 - 3);
  return builder_.constant("norm", DType::f32, 1, cols, memory);
}

TensorId RandomLlama::linear(Backend& backend, TensorId x, DType dtype, std::int64_t rows,
                             std::int64_t cols) {
  const TensorId out = builder_.activation("y", rows);
  builder_.op(Op{OpKind::matmul, {x, weight(backend, dtype, rows, cols)}, out});
  return out;
}

RandomLlama::RandomLlama(Backend& backend, const LlamaShape& shape, std::int64_t context,
                         std::int64_t outputs_max)
    : shape_(shape) {
  const std::int64_t kv_width = shape.kv_heads * shape.head_dim;
  const auto head_dim = static_cast<int>(shape.head_dim);
  const auto params_of = [&](OpKind kind) {
    OpParams p;
    if (kind == OpKind::rms_norm) p.rms_norm = {1e-5f, static_cast<int>(shape.width)};
    if (kind == OpKind::rope) p.rope = {head_dim, head_dim, 1e5f, 1, 0};
    if (kind == OpKind::attention) {
      p.attention = {static_cast<int>(shape.heads),
                     static_cast<int>(shape.kv_heads),
                     head_dim,
                     0,
                     1.0f / std::sqrt(static_cast<float>(head_dim)),
                     0};
    }
    return p;
  };
  const auto apply = [&](OpKind kind, std::vector<TensorId> in, std::int64_t cols) {
    const TensorId out = builder_.activation("x", cols);
    builder_.op(Op{kind, std::move(in), out, kNoTensor, params_of(kind)});
    return out;
  };
  builder_.begin_segment({});
  const TensorId embedding = weight(backend, shape.head, shape.vocab, shape.width);
  TensorId x = apply(OpKind::embed, {embedding}, shape.width);
  for (std::int64_t layer = 0; layer < shape.layers; ++layer) {
    const TensorId normed = apply(OpKind::rms_norm, {x, ones(backend, shape.width)}, shape.width);
    const std::int64_t q_width = shape.heads * shape.head_dim;
    const TensorId q = linear(backend, normed, shape.weights, q_width, shape.width);
    const TensorId k = linear(backend, normed, shape.weights, kv_width, shape.width);
    const TensorId v = linear(backend, normed, shape.weights, kv_width, shape.width);
    const TensorId q_turned = apply(OpKind::rope, {q}, q_width);
    const TensorId k_turned = apply(OpKind::rope, {k}, kv_width);
    const auto state = [&] {
      const std::size_t bytes = static_cast<std::size_t>(context) * row_bytes(DType::f16, kv_width);
      return builder_.state("kv", DType::f16, context, kv_width, buffer(backend, bytes));
    };
    const TensorId keys = state();
    const TensorId values = state();
    builder_.op(Op{OpKind::kv_append, {k_turned, v, keys, values}});
    const TensorId mixed = apply(OpKind::attention, {q_turned, keys, values}, q_width);
    x = apply(OpKind::add, {x, linear(backend, mixed, shape.weights, shape.width, q_width)},
              shape.width);
    const TensorId ffn = apply(OpKind::rms_norm, {x, ones(backend, shape.width)}, shape.width);
    const TensorId gate = linear(backend, ffn, shape.weights, shape.hidden, shape.width);
    const TensorId up = linear(backend, ffn, shape.weights, shape.hidden, shape.width);
    const TensorId hidden = apply(OpKind::glu, {gate, up}, shape.hidden);
    x = apply(OpKind::add, {x, linear(backend, hidden, shape.weights, shape.width, shape.hidden)},
              shape.width);
  }
  const TensorId rows = apply(OpKind::output_rows, {x}, shape.width);
  const TensorId normed = apply(OpKind::rms_norm, {rows, ones(backend, shape.width)}, shape.width);
  logits_ = &buffer(backend, static_cast<std::size_t>(outputs_max * shape.vocab) * 4);
  builder_.op(
      Op{OpKind::matmul, {normed, embedding}, builder_.output("logits", shape.vocab, *logits_)});
  graph_ = std::move(builder_).finish();
}

std::size_t RandomLlama::kv_bytes_per_token() const {
  return static_cast<std::size_t>(2 * shape_.layers * shape_.kv_heads * shape_.head_dim) * 2;
}

std::span<const float> RandomLlama::step(Backend& backend, Plan& plan,
                                         std::span<const TokenId> tokens, std::int64_t position,
                                         std::int64_t outputs) {
  StepLists step;
  step.add(tokens, position, 0, outputs);
  for (const Segment& segment : plan.segments()) backend.run(plan, segment, step.params());
  CHECK(backend.finish().has_value());
  return {reinterpret_cast<const float*>(logits_->host().data()),
          static_cast<std::size_t>(outputs * shape_.vocab)};
}

}  // namespace mneme
