// SPDX-License-Identifier: Apache-2.0
// Which ops of a graph a device makes in one launch, whatever its kernels: found once, from the
// graph alone.
#pragma once

#include <cstddef>
#include <vector>

#include "gpu/graph.h"

namespace mneme {

struct Fusions {
  std::vector<std::size_t> sum;      // [ops]: the sum that a product also makes; 0 = none
  std::vector<std::size_t> group;    // [ops]: how many products of the same activations begin here
  std::vector<bool> gate_conv;       // [ops]: a gate, which short steps make with the convolution
                                     //   behind it (fused_gate_conv.h)
  std::vector<std::size_t> made_at;  // [ops]: the op whose launch makes it, gates left aside
  // [ops]: the first and the last op during whose launch its inputs and outputs are needed.
  std::vector<std::size_t> first, last;

  // `products_together`: the most products of the same activations in one launch.
  static Fusions find(const Graph& graph, std::size_t products_together);
};

}  // namespace mneme
