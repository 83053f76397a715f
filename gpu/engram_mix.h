// SPDX-License-Identifier: Apache-2.0
// Where a graph's Engram layers can be made in one launch: the gate, the gated value and the short
// convolution. CPU plans keep the ops apart, which is what the devices' kernels are held to.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/graph.h"

namespace mneme {

constexpr std::int64_t kEngramMixTapsMax = 8;  // of the convolution; kernels keep a gate for each

// A mix makes the gates of tokens again that a tap sees in the same step. That costs less than
// launches and a trip through memory where steps are short, and more where they are long.
constexpr std::int64_t kEngramMixTokensMax = 8;

// [ops]: true for an engram_gate whose gated values only the short_conv right behind it reads, with
// the same h and the same streams. Nothing that the one writes is read by the other but these.
std::vector<bool> find_engram_mixes(const Graph& graph);

}  // namespace mneme
