// SPDX-License-Identifier: Apache-2.0
// Finds a place for every activation of a plan: tensors that are never needed at the same time
// share memory.
#pragma once

#include <cstddef>
#include <span>
#include <vector>

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

}  // namespace mneme
