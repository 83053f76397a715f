// SPDX-License-Identifier: Apache-2.0
// How large a plan's tensors are at most, and which rows they and its ops have.
#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/backend.h"
#include "gpu/graph.h"
#include "gpu/plan/step_limits.h"

namespace mneme {

class PlanSizes {
 public:
  // `graph` outlives this. CHECKs that inputs and outputs fit into their memory.
  PlanSizes(const Graph& graph, const CompileOptions& options);

  const StepLimits& limits() const { return limits_; }
  // Whether a tensor, or the op at a place in the graph, has a row for each output token and not
  // for every token.
  bool is_of_outputs(TensorId id) const { return rows_.tensors[id]; }
  bool op_is_of_outputs(std::size_t op) const { return rows_.ops[op]; }
  std::int64_t op_rows(std::size_t op) const { return most(op_is_of_outputs(op)); }
  // Of a state: rows of one sequence.
  std::int64_t rows_of(TensorId id) const;
  std::size_t bytes_of(TensorId id) const;

 private:
  std::int64_t most(bool outputs) const {
    return outputs ? limits_.outputs_max : limits_.tokens_max;
  }

  const Graph& graph_;
  const StepLimits limits_;
  const OutputRows rows_;
};

}  // namespace mneme
