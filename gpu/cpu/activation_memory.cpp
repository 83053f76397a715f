// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/activation_memory.h"

#include <algorithm>

namespace mneme {
namespace {

constexpr std::size_t kAlign = 64;

struct Life {
  TensorId tensor = 0;
  std::size_t first = 0;  // op indices, both included
  std::size_t last = 0;
  std::size_t offset = 0;
  std::size_t end = 0;  // offset + bytes
};

std::vector<Life> lives_of(const Graph& graph) {
  std::vector<Life> lives;
  std::vector<std::size_t> index(graph.tensors.size(), 0);  // into lives, plus 1
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    const auto touch = [&](TensorId id) {
      if (id == kNoTensor || graph.tensor(id).role != TensorRole::activation) return;
      if (index[id] == 0) {
        lives.push_back(Life{id, i, i, 0, 0});
        index[id] = lives.size();
      }
      lives[index[id] - 1].last = i;
    };
    for (const TensorId id : graph.ops[i].in) touch(id);
    touch(graph.ops[i].out);
    touch(graph.ops[i].out2);
  }
  return lives;  // by first use
}

}  // namespace

ActivationMemory place_activations(const Graph& graph, const std::vector<std::size_t>& bytes_of) {
  ActivationMemory memory;
  memory.offsets.assign(graph.tensors.size(), 0);
  std::vector<Life> placed;  // still alive, by offset
  for (Life life : lives_of(graph)) {
    std::erase_if(placed, [&](const Life& other) { return other.last < life.first; });
    const std::size_t bytes = (bytes_of[life.tensor] + kAlign - 1) / kAlign * kAlign;
    std::size_t offset = 0;  // first gap that is large enough
    for (const Life& other : placed) {
      if (offset + bytes <= other.offset) break;
      offset = std::max(offset, other.end);
    }
    life.offset = offset;
    life.end = offset + bytes;
    const auto after = std::find_if(placed.begin(), placed.end(),
                                    [&](const Life& other) { return other.offset > offset; });
    placed.insert(after, life);
    memory.offsets[life.tensor] = offset;
    memory.bytes = std::max(memory.bytes, life.end);
  }
  return memory;
}

}  // namespace mneme
