// SPDX-License-Identifier: Apache-2.0
// Where a graph's Engram layers can be made in one launch, fused: the gate, the gated value and the
// short convolution. CPU plans keep the ops apart; the devices' kernels are tested against them.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/graph.h"

namespace mneme {

// Of the convolution: kernels keep a gate for each tap.
constexpr std::int64_t kFusedGateConvTapsMax = 8;

// The fused kernel computes the gates of earlier tokens of the step again, for each tap that sees
// them. In short steps that costs less than two launches and a trip through memory, in long steps
// more.
constexpr std::int64_t kFusedGateConvTokensMax = 8;

// [ops]: true for an engram_gate that can be fused with the op right behind it: a short_conv with
// the same h and the same streams, which alone reads the gated values, and reads nothing else that
// the gate writes.
std::vector<bool> find_fused_gate_convs(const Graph& graph);

}  // namespace mneme
