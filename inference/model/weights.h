// SPDX-License-Identifier: Apache-2.0
// The tensors of a Llama-type model bound to their roles: each name looked up once, each shape and
// type checked once. The buffers alias the mapped file on the CPU. Immutable.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/backend.h"
#include "inference/model/gguf.h"
#include "inference/model/model_config.h"
#include "inference/model/placement.h"

namespace mneme {

// One weight in a backend's memory. `rows` x `cols` as gpu/tensor.h means it; absent = rows 0.
struct WeightTensor {
  std::string name;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  Buffer buffer;
  explicit operator bool() const { return rows > 0; }
};

// Tensor `name`, which must be rows x cols (rows 1: one-dimensional). Errors: corrupt (another
// shape, missing), unsupported (an element type nothing here computes with, named).
Result<const GgufTensor*> find_weight(const GgufFile& file, const std::string& name,
                                      std::int64_t rows, std::int64_t cols);
// The same, in a backend's memory. Errors also: what the backend says.
Result<WeightTensor> bind_weight(const GgufFile& file, const std::string& name, std::int64_t rows,
                                 std::int64_t cols, Backend& backend);
struct LayerWeights {
  WeightTensor attn_norm;       // [1, D] f32
  WeightTensor wq, wk, wv, wo;  // [heads * head_dim, D], [kv, D], [kv, D], [D, heads * head_dim]
  WeightTensor bq, bk, bv, bo;  // [1, out] f32, absent in most models
  WeightTensor ffn_norm;        // [1, D] f32
  WeightTensor ffn_gate, ffn_up, ffn_down;  // [F, D], [F, D], [D, F]
  WeightTensor b_gate, b_up, b_down;        // [1, out] f32, absent in most models
};

struct Weights {
  WeightTensor token_embd;  // [V, D]: the rows of tokens
  std::vector<LayerWeights> layers;
  WeightTensor output_norm;  // [1, D] f32
  WeightTensor output;       // [V, D]; absent: token_embd is taken
  // Per part, [1, rope_dims / 2] f32: the file's factors times the linear scale; absent in most.
  std::vector<WeightTensor> rope_factors;

  std::uint64_t bytes = 0;  // of all tensors that are computed with
  std::uint64_t bytes_decode =
      0;                   // read once for every decoded token (no embedding table unless tied)
  std::string main_dtype;  // "Q4_1": the type that most bytes have
  std::string left_out;    // in words: tensors of the file that are left out on purpose

  // Errors: those of find_weight and of the backends; unsupported (a tensor that nothing here
  // computes with).
  static Result<Weights> bind(const GgufFile& file, const ModelConfig& config,
                              const Placement& placement);
};

}  // namespace mneme
