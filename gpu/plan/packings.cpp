// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/packings.h"

#include <map>
#include <utility>

namespace mneme {

Packings Packings::find(const Graph& graph,
                        const std::function<std::optional<PackedForm>(const Op&)>& form_of,
                        const std::function<bool(const Op&)>& can_pack) {
  Packings found;
  found.packs.assign(graph.ops.size(), kNoTensor);
  found.packed_by.assign(graph.ops.size(), kNoOp);
  std::map<std::pair<TensorId, PackedForm>, std::size_t> packed;
  std::vector<std::size_t> made_by(graph.tensors.size(), kNoOp);
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    const bool product = op.kind == OpKind::matmul || op.kind == OpKind::matmul_experts;
    const auto form = product ? form_of(op) : std::nullopt;
    if (form) {
      const auto [by, fresh] = packed.try_emplace({op.in[0], *form}, i);
      if (fresh) {
        const std::size_t maker = can_pack ? made_by[op.in[0]] : kNoOp;
        // One that packs in another form already leaves this one to the product.
        if (maker != kNoOp && found.packs[maker] == kNoTensor && can_pack(graph.ops[maker])) {
          by->second = maker;
        }
        found.packs[by->second] = op.in[0];
      }
      found.packed_by[i] = by->second;
    }
    for (const TensorId id : {op.out, op.out2}) {
      if (id == kNoTensor) continue;
      made_by[id] = i;
      std::erase_if(packed, [&](const auto& one) { return one.first.first == id; });
    }
  }
  return found;
}

bool makes_whole_rows(const Graph& graph, const Op& op) {
  return op.kind != OpKind::rms_norm || op.params.rms_norm.width == graph.tensor(op.out).cols;
}

}  // namespace mneme
