// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/matmul_add.h"

namespace mneme {

std::vector<bool> find_matmul_adds(const Graph& graph) {
  std::vector<int> uses(graph.tensors.size(), 0);
  for (const Op& op : graph.ops) {
    for (const TensorId id : op.in) {
      if (id != kNoTensor) ++uses[id];
    }
  }
  std::vector<bool> sums(graph.ops.size(), false);
  for (const Segment& segment : graph.segments) {
    for (std::size_t i = segment.first_op; i + 1 < segment.end_op; ++i) {
      const Op& product = graph.ops[i];
      const Op& sum = graph.ops[i + 1];
      sums[i] = product.kind == OpKind::matmul && sum.kind == OpKind::add &&
                uses[product.out] == 1 &&
                graph.tensor(product.out).role == TensorRole::activation &&
                (sum.in[0] == product.out || sum.in[1] == product.out) && sum.out != product.in[0];
    }
  }
  return sums;
}

TensorId added_to(const Graph& graph, std::size_t product) {
  const Op& sum = graph.ops[product + 1];
  return sum.in[0] == graph.ops[product].out ? sum.in[1] : sum.in[0];
}

}  // namespace mneme
