// SPDX-License-Identifier: Apache-2.0
// Activations that products read in another form than float32, made once for all products that read
// the same.
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <vector>

#include "gpu/graph.h"

namespace mneme {

// What a backend's products read: a number of its own for each form, as 8-bit integers.
using PackedForm = int;

struct Packings {
  static constexpr std::size_t kNoOp = ~std::size_t{0};

  std::vector<TensorId> packs;         // by op: what it packs, itself or before itself
  std::vector<std::size_t> packed_by;  // by op: which packs what it reads; kNoOp: none does

  // `form_of`: what a product reads; empty: float32. `can_pack`: whether the op that makes the
  // activations also packs them; null: the first product that reads them does.
  static Packings find(const Graph& graph,
                       const std::function<std::optional<PackedForm>(const Op& product)>& form_of,
                       const std::function<bool(const Op& maker)>& can_pack = nullptr);
};

// Whether an op makes whole blocks of a row at a time: a norm of heads leaves some to nobody.
bool makes_whole_rows(const Graph& graph, const Op& op);

}  // namespace mneme
