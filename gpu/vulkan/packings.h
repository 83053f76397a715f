// SPDX-License-Identifier: Apache-2.0
// Activations that products read in another form than float32, packed once for all products that
// read the same.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "gpu/graph.h"

namespace mneme {

struct Packings {
  static constexpr std::size_t kNoOp = ~std::size_t{0};

  std::vector<TensorId> packs;         // by op: what it packs, itself or before itself
  std::vector<std::size_t> packed_by;  // by op: which packs what it reads; kNoOp: none does

  // Of the products that `reads_packed` names. By `makers`, the norm or SwiGLU that makes the
  // activations packs them; else the first product that reads them.
  static Packings find(const Graph& graph, bool makers,
                       const std::function<bool(const Op& product)>& reads_packed);
};

}  // namespace mneme
