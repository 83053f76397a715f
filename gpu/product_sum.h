// SPDX-License-Identifier: Apache-2.0
// Where a product and the sum behind it can be made in one launch: the way back into a model's
// residual stream. CPU plans keep the ops apart, which is what the devices' kernels are held to.
#pragma once

#include <vector>

#include "gpu/graph.h"

namespace mneme {

// [ops]: true for a matmul whose output only the add right behind it reads, and whose input that
// add does not overwrite. The add may write to its other input: each value is read before.
std::vector<bool> find_product_sums(const Graph& graph);

// The other input of the add behind product `product` of find_product_sums().
TensorId added_to(const Graph& graph, std::size_t product);

}  // namespace mneme
