// SPDX-License-Identifier: Apache-2.0
// What shaders read beside weights and the step: the parameters of every op, then what
// shaders/fused_gate_conv.comp calls Constants, for each fused gate and convolution.
#pragma once

#include <cstddef>
#include <vector>

#include "base/result.h"
#include "gpu/graph.h"
#include "gpu/plan/constants.h"

namespace mneme {

struct PlanConstants {
  std::vector<float> values;                  // first an OpParams an op, in the graph's order
  std::vector<std::size_t> fused_gate_convs;  // by op: bytes into `values`
};

// `fused`: by op, a gate that is made with the convolution behind it.
Result<PlanConstants> plan_constants(const Graph& graph, const std::vector<bool>& fused,
                                     const ReadFloats& floats_of);

}  // namespace mneme
