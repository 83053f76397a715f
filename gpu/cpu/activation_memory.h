// SPDX-License-Identifier: Apache-2.0
// Finds a place for every activation of a graph: tensors that are never needed at the same time
// share memory.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/graph.h"

namespace mneme {

struct ActivationMemory {
  std::vector<std::size_t> offsets;  // [tensors], bytes; meaningless for other roles
  std::size_t bytes = 0;
};

// `bytes_of[t]` is what tensor t needs. An activation lives from the first op that names it to the
// last one.
ActivationMemory place_activations(const Graph& graph, const std::vector<std::size_t>& bytes_of);

}  // namespace mneme
