// SPDX-License-Identifier: Apache-2.0
// One weight of a model in a backend's memory, its shape and type checked once. The buffers alias
// the mapped file on the CPU, but for vectors that are not stored as float.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "gpu/backend.h"
#include "inference/files/model_source.h"

namespace mneme {

// `depth` matrices of `rows` x `cols` as gpu/tensor.h means it; absent = rows 0.
struct WeightTensor {
  std::string name;
  DType dtype = DType::f32;
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  Buffer buffer;
  std::int64_t depth = 1;
  explicit operator bool() const { return rows > 0; }
};

// What a model asks of a tensor of its file.
enum class WeightRule : std::uint8_t {
  matrix,      // rows x cols, of any type that kernels compute with
  vector,      // 1 x cols: norms and biases, which every backend reads as float
  vocabulary,  // at least that many rows: those behind the last token are padding
};

// Tensor `name`, which must be depth x rows x cols (rows 1: one-dimensional). Errors: corrupt
// (another shape, missing), unsupported (an element type nothing here computes with, named).
Result<const SourceTensor*> find_weight(const ModelSource& source, const std::string& name,
                                        std::int64_t rows, std::int64_t cols,
                                        WeightRule rule = WeightRule::matrix,
                                        std::int64_t depth = 1);
// The same, in a backend's memory. Errors also: what the backend says.
Result<WeightTensor> bind_weight(const ModelSource& source, const std::string& name,
                                 std::int64_t rows, std::int64_t cols, Backend& backend,
                                 WeightRule rule = WeightRule::matrix, std::int64_t depth = 1);

}  // namespace mneme
