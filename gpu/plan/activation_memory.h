// SPDX-License-Identifier: Apache-2.0
// Finds a place for every activation of a plan: tensors that are never needed at the same time
// share memory.
#pragma once

#include <cstddef>
#include <optional>
#include <span>
#include <vector>

#include "gpu/plan/fusions.h"
#include "gpu/plan/plan_sizes.h"

namespace mneme {

// When a tensor is needed: from its first user to its last, both included.
struct Life {
  std::size_t bytes = 0;
  std::size_t first = 0;
  std::size_t last = 0;
};

struct ActivationMemory {
  std::vector<std::size_t> offsets;  // [lives], bytes, multiples of 64
  std::size_t bytes = 0;
};

ActivationMemory place_activations(std::span<const Life> lives);

// The same by tensor: told of every use, in any order of tensors.
class ActivationLives {
 public:
  explicit ActivationLives(std::size_t tensors) : life_of_(tensors, 0) {}

  // `tensor` takes `bytes` and lives from the `when` of its first touch to that of its last.
  void touch(std::size_t tensor, std::size_t bytes, std::size_t when);
  // Returns the bytes of all.
  std::size_t place();
  // After place(); nullopt = never used.
  std::optional<std::size_t> offset_of(std::size_t tensor) const;

 private:
  std::vector<Life> lives_;
  std::vector<std::size_t> life_of_;  // [tensors]: index into lives_ plus 1; 0 = none
  std::vector<std::size_t> offsets_;  // [lives]
};

// The graph's activations, by TensorId, where each launch makes the ops of a fusion; `when` counts
// ops. Each begins and ends at a multiple of `align`.
void touch_activations(ActivationLives& lives, const Graph& graph, const PlanSizes& sizes,
                       const Fusions& fusions, std::size_t align);

}  // namespace mneme
