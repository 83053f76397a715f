// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/constants.h"

#include <algorithm>
#include <utility>

#include "gpu/op_table.h"

namespace mneme {
namespace {

bool is_copied(const Op& op, std::size_t input) {
  if (!has_input(op, input)) return false;
  const OpInput role = input_role(op, input);
  return role == OpInput::floats || role == OpInput::floats_transposed;
}

FloatCopy copy_of(const Op& op, std::size_t input) {
  return {op.in[input], input_role(op, input) == OpInput::floats_transposed};
}

}  // namespace

std::int64_t FloatCopy::rows(const Graph& graph) const {
  return transposed ? graph.tensor(from).cols : graph.tensor(from).rows;
}

std::int64_t FloatCopy::cols(const Graph& graph) const {
  return transposed ? graph.tensor(from).rows : graph.tensor(from).cols;
}

Result<std::vector<float>> FloatCopy::values(const Graph& graph, const ReadFloats& read) const {
  auto stored = read(from);
  if (!stored || !transposed) return stored;
  const auto wide = static_cast<std::size_t>(graph.tensor(from).cols);
  const auto high = static_cast<std::size_t>(graph.tensor(from).rows);
  std::vector<float> turned(stored->size());
  for (std::size_t r = 0; r < high; ++r) {
    for (std::size_t c = 0; c < wide; ++c) turned[c * high + r] = (*stored)[r * wide + c];
  }
  return turned;
}

FloatCopies FloatCopies::find(const Graph& graph) {
  FloatCopies found;
  for (const Op& op : graph.ops) {
    for (std::size_t i = 0; i < op.in.size(); ++i) {
      if (is_copied(op, i) && found.of(op, i) == kNone) found.all_.push_back(copy_of(op, i));
    }
  }
  return found;
}

std::size_t FloatCopies::of(const Op& op, std::size_t i) const {
  if (!is_copied(op, i)) return kNone;
  const auto at = std::find(all_.begin(), all_.end(), copy_of(op, i));
  return at == all_.end() ? kNone : static_cast<std::size_t>(at - all_.begin());
}

Result<RopeTables> RopeTables::find(const Graph& graph, const ReadFloats& read) {
  RopeTables found;
  found.of_op.assign(graph.ops.size(), 0);
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const Op& op = graph.ops[i];
    if (op.kind != OpKind::rope) continue;
    std::vector<float> factors;
    if (has_input(op, 1)) {
      auto values = read(op.in[1]);
      if (!values) return values.error();
      factors = std::move(*values);
    }
    RopeAngles angles = RopeAngles::of(op.params.rope, factors);
    const auto same = std::find(found.all.begin(), found.all.end(), angles);
    found.of_op[i] = static_cast<std::size_t>(same - found.all.begin());
    if (same == found.all.end()) found.all.push_back(std::move(angles));
  }
  return found;
}

}  // namespace mneme
