// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/fusions.h"

#include <algorithm>
#include <utility>

#include "gpu/plan/fused_gate_conv.h"
#include "gpu/plan/matmul_add.h"

namespace mneme {
namespace {

class Finder {
 public:
  explicit Finder(const Graph& graph) : graph_(graph), matmul_adds_(find_matmul_adds(graph)) {}

  Fusions run(std::size_t products_together) {
    const std::size_t count = graph_.ops.size();
    found_.gate_conv = find_fused_gate_convs(graph_);
    found_.sum.assign(count, 0);
    found_.group.assign(count, 1);
    for (std::size_t i = 0; i < count; ++i) {
      found_.made_at.push_back(i);
      found_.last.push_back(i);
    }
    for (const Segment& segment : graph_.segments) {
      for (std::size_t i = segment.first_op; i < segment.end_op;) {
        if (matmul_adds_[i]) {
          found_.sum[i] = i + 1;
          found_.made_at[i + 1] = i;
          found_.last[i] = i + 1;
          i += 2;
          continue;
        }
        const std::size_t last = std::min(segment.end_op, i + products_together);
        std::size_t end = i + 1;
        while (end < last && same_activations(i, end)) ++end;
        found_.group[i] = end - i;
        for (std::size_t k = i + 1; k < end; ++k) found_.made_at[k] = i;
        i = end;
      }
    }
    found_.first = found_.made_at;
    for (std::size_t i = 0; i + 1 < count; ++i) {
      if (!found_.gate_conv[i]) continue;
      found_.last[i] = i + 1;
      found_.first[i + 1] = i;
    }
    return std::move(found_);
  }

 private:
  // Ops i and k are products that one launch can make. What k writes must not be what i .. k - 1
  // read or write.
  bool same_activations(std::size_t i, std::size_t k) const {
    const Op& first = graph_.ops[i];
    const Op& next = graph_.ops[k];
    if (first.kind != OpKind::matmul || next.kind != OpKind::matmul) return false;
    if (next.in[0] != first.in[0]) return false;
    if (next.out == first.in[0]) return false;
    if (matmul_adds_[k]) return false;
    return graph_.tensor(next.in[1]).dtype == graph_.tensor(first.in[1]).dtype;
  }

  const Graph& graph_;
  const std::vector<bool> matmul_adds_;
  Fusions found_;
};

}  // namespace

Fusions Fusions::find(const Graph& graph, std::size_t products_together) {
  return Finder(graph).run(products_together);
}

}  // namespace mneme
