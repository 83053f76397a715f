// SPDX-License-Identifier: Apache-2.0
// A Llama-shaped graph with random weights: real shapes, no file. For measuring speed and for
// comparing the numeric modes.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <span>
#include <vector>

#include "gpu/backend.h"

namespace mneme {

struct LlamaShape {
  std::int64_t layers = 2;
  std::int64_t width = 64;
  std::int64_t heads = 4;
  std::int64_t kv_heads = 2;
  std::int64_t head_dim = 16;
  std::int64_t hidden = 160;
  std::int64_t vocab = 320;
  DType weights = DType::q4_1;
  DType head = DType::q8_0;  // also the embedding: tied
};
constexpr LlamaShape kSmol135M{30, 576, 9, 3, 64, 1536, 49152, DType::q4_1, DType::q8_0};
constexpr LlamaShape kLlama1B{16, 2048, 32, 8, 64, 8192, 128256, DType::q4_0, DType::q4_0};

class RandomLlama {
 public:
  RandomLlama(Backend& backend, const LlamaShape& shape, std::int64_t context,
              std::int64_t outputs_max);

  const Graph& graph() const { return graph_; }
  std::size_t weight_bytes() const { return weight_bytes_; }  // read once a token
  std::size_t kv_bytes_per_token() const;

  // One step from `position`; the logits of the last `outputs` tokens.
  std::span<const float> step(Backend& backend, Plan& plan, std::span<const TokenId> tokens,
                              std::int64_t position, std::int64_t outputs);

 private:
  TensorId weight(Backend& backend, DType dtype, std::int64_t rows, std::int64_t cols);
  TensorId ones(Backend& backend, std::int64_t cols);
  TensorId linear(Backend& backend, TensorId x, DType dtype, std::int64_t rows, std::int64_t cols);
  const Buffer& buffer(Backend& backend, std::size_t bytes);

  const LlamaShape shape_;
  std::deque<Buffer> buffers_;
  std::size_t weight_bytes_ = 0;
  std::uint64_t random_ = 88172645463325252u;
  GraphBuilder builder_;
  Graph graph_;
  const Buffer* logits_ = nullptr;
};

}  // namespace mneme
