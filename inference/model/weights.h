// SPDX-License-Identifier: Apache-2.0
// The tensors that a model needs (ModelNeeds), bound by name: each looked up once, each shape and
// type checked once. Immutable.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/files/model_source.h"
#include "inference/model/model_builder.h"
#include "inference/model/model_config.h"
#include "inference/model/placement.h"
#include "inference/model/weight_tensor.h"

namespace mneme {

struct Weights {
  // By the name that the model needs it under. Where output.weight is missing, token_embd.weight
  // serves as both; under output.weight it is here once more where the two ends of the model are on
  // two backends.
  std::map<std::string, WeightTensor, std::less<>> tensors;
  // [rope][part]: [1, dims / 2] f32; no parts where no frequency is divided.
  std::vector<std::vector<WeightTensor>> rope_factors;

  std::uint64_t bytes = 0;         // of all tensors that are computed with
  std::uint64_t bytes_unused = 0;  // of them, of experts that a token does not choose
  std::uint64_t bytes_decode =
      0;                   // read once for every decoded token (no embedding table unless tied)
  std::string main_dtype;  // "Q4_1": the type that most bytes have
  std::string left_out;    // in words: tensors of the file that are left out on purpose

  const WeightTensor* find(std::string_view name) const;  // null = not there

  // Errors: those of find_weight and of the backends; unsupported (a tensor that nothing here
  // computes with).
  static Result<Weights> bind(const ModelSource& source, const ModelConfig& config,
                              const Placement& placement);
};

}  // namespace mneme
