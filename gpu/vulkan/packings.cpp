// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/packings.h"

#include <map>

namespace mneme {
namespace {

// A norm of heads leaves whole blocks to nobody.
bool can_pack(const Graph& graph, const Op& maker) {
  const bool norm =
      maker.kind == OpKind::rms_norm && maker.params.rms_norm.width == graph.tensor(maker.out).cols;
  return norm || maker.kind == OpKind::glu;
}

}  // namespace

Packings Packings::find(const Graph& graph, bool makers,
                        const std::function<bool(const Op& product)>& reads_packed) {
  Packings found;
  found.packs.assign(graph.ops.size(), kNoTensor);
  found.packed_by.assign(graph.ops.size(), kNoOp);
  std::map<TensorId, std::size_t> packed;
  std::vector<std::size_t> made_by(graph.tensors.size(), kNoOp);
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    if (op.kind == OpKind::matmul && reads_packed(op)) {
      const auto [by, fresh] = packed.try_emplace(op.in[0], i);
      if (fresh) {
        const std::size_t maker = makers ? made_by[op.in[0]] : kNoOp;
        if (maker != kNoOp && can_pack(graph, graph.ops[maker])) by->second = maker;
        found.packs[by->second] = op.in[0];
      }
      found.packed_by[i] = by->second;
    }
    for (const TensorId id : {op.out, op.out2}) {
      if (id == kNoTensor) continue;
      made_by[id] = i;
      packed.erase(id);  // no longer what was packed
    }
  }
  return found;
}

}  // namespace mneme
