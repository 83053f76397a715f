// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/fused_gate_conv.h"

#include <algorithm>

namespace mneme {
namespace {

bool can_fuse(const Graph& graph, const Op& gate, const Op& conv) {
  if (gate.kind != OpKind::engram_gate || conv.kind != OpKind::short_conv) return false;
  if (conv.in[1] != gate.out || conv.in[0] != gate.in[0]) return false;
  if (conv.params.short_conv.streams != gate.params.engram_gate.streams) return false;
  if (graph.tensor(gate.out).role != TensorRole::activation) return false;
  if (graph.tensor(conv.in[3]).cols > kFusedGateConvTapsMax) return false;
  // Tokens of a step are made side by side and read each other's inputs: nothing works in place.
  const auto read = [&](TensorId id) {
    return std::find(gate.in.begin(), gate.in.end(), id) != gate.in.end();
  };
  return !read(conv.out) && !read(conv.out2) && !read(gate.out2);
}

}  // namespace

std::vector<bool> find_fused_gate_convs(const Graph& graph) {
  std::vector<int> uses(graph.tensors.size(), 0);
  for (const Op& op : graph.ops) {
    for (const TensorId id : op.in) {
      if (id != kNoTensor) ++uses[id];
    }
  }
  std::vector<bool> fused(graph.ops.size(), false);
  for (const Segment& segment : graph.segments) {
    for (std::size_t i = segment.first_op; i + 1 < segment.end_op; ++i) {
      fused[i] = can_fuse(graph, graph.ops[i], graph.ops[i + 1]) && uses[graph.ops[i].out] == 1;
    }
  }
  return fused;
}

}  // namespace mneme
