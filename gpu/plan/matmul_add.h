// SPDX-License-Identifier: Apache-2.0
// Where a matmul and the add behind it can be made in one launch, fused: the way back into a
// model's residual stream. CPU plans keep the ops apart; the devices' kernels are tested against
// them.
#pragma once

#include <vector>

#include "gpu/graph.h"

namespace mneme {

// [ops]: true for a matmul that can be fused with the op right behind it: an add, which alone reads
// the matmul's output and does not overwrite its input. The add may write to its other input: each
// value is read before it is written.
std::vector<bool> find_matmul_adds(const Graph& graph);

// The other input of the add behind matmul `product`, one of find_matmul_adds().
TensorId added_to(const Graph& graph, std::size_t product);

}  // namespace mneme
