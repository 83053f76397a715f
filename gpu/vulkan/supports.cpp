// SPDX-License-Identifier: Apache-2.0
// What the shaders cannot do.
#include <fmt/format.h>

#include "gpu/op_check.h"
#include "gpu/op_table.h"
#include "gpu/vulkan/vulkan_plan.h"

namespace mneme {

std::string why_not_on_vulkan(const Graph& graph, const Op& op) {
  std::string reason = why_unsupported(graph, op);
  if (!reason.empty()) return reason;
  for (std::size_t i = 0; i < op.in.size(); ++i) {
    if (op.in[i] == kNoTensor) continue;
    const Tensor& x = graph.tensor(op.in[i]);
    const std::size_t align = is_k_quant(x.dtype) ? 16 : 4;
    if (x.offset % align != 0) {
      return fmt::format("{} is not aligned to {} bytes", x.name, align);
    }
    const OpInput role = input_role(op, i);
    if (x.role == TensorRole::constant && role != OpInput::matrix && role != OpInput::matrices &&
        is_quantised(x.dtype)) {
      return fmt::format("{} is {}, not a float", x.name, dtype_info(x.dtype).name);
    }
    // Shaders count values in 32 bits, but find the entries of cached rows by their address.
    const bool cached = op.kind == OpKind::table_decode && x.role == TensorRole::state;
    if (!cached &&
        static_cast<std::uint64_t>(x.depth * x.rows) * static_cast<std::uint64_t>(x.cols) >> 32 !=
            0) {
      return x.name + " has more than 4,294,967,295 values";
    }
  }
  if (op.kind == OpKind::route && graph.tensor(op.in[0]).cols > 1024) {
    return fmt::format("it has {} experts, more than 1024", graph.tensor(op.in[0]).cols);
  }
  if (op.kind == OpKind::rope && op.in[0] == op.out) return "it cannot work in place";
  if (op.kind == OpKind::attention && op.params.attention.head_dim > 1024) {
    return fmt::format("its heads have {} values, more than 1024", op.params.attention.head_dim);
  }
  return {};
}

}  // namespace mneme
