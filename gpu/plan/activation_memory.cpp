// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/activation_memory.h"

#include <algorithm>
#include <numeric>
#include <utility>

#include "base/round_up.h"

namespace mneme {

ActivationMemory place_activations(std::span<const Life> lives) {
  constexpr std::size_t kAlign = 64;
  struct Placed {
    std::size_t last;
    std::size_t offset;
    std::size_t end;
  };
  ActivationMemory memory;
  memory.offsets.assign(lives.size(), 0);
  std::vector<std::size_t> order(lives.size());
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(),
                   [&](std::size_t a, std::size_t b) { return lives[a].first < lives[b].first; });
  std::vector<Placed> placed;  // still alive, by offset
  for (const std::size_t i : order) {
    const Life& life = lives[i];
    std::erase_if(placed, [&](const Placed& other) { return other.last < life.first; });
    const std::size_t bytes = round_up(life.bytes, kAlign);
    std::size_t offset = 0;  // first gap that is large enough
    for (const Placed& other : placed) {
      if (offset + bytes <= other.offset) break;
      offset = std::max(offset, other.end);
    }
    const auto after = std::find_if(placed.begin(), placed.end(),
                                    [&](const Placed& other) { return other.offset > offset; });
    placed.insert(after, Placed{life.last, offset, offset + bytes});
    memory.offsets[i] = offset;
    memory.bytes = std::max(memory.bytes, offset + bytes);
  }
  return memory;
}

void ActivationLives::touch(std::size_t tensor, std::size_t bytes, std::size_t when) {
  if (life_of_[tensor] == 0) {
    lives_.push_back(Life{bytes, when, when});
    life_of_[tensor] = lives_.size();
  }
  lives_[life_of_[tensor] - 1].last = when;
}

std::size_t ActivationLives::place() {
  ActivationMemory memory = place_activations(lives_);
  offsets_ = std::move(memory.offsets);
  return memory.bytes;
}

std::optional<std::size_t> ActivationLives::offset_of(std::size_t tensor) const {
  if (life_of_[tensor] == 0) return std::nullopt;
  return offsets_[life_of_[tensor] - 1];
}

void touch_activations(ActivationLives& lives, const Graph& graph, const PlanSizes& sizes,
                       const Fusions& fusions, std::size_t align) {
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    std::vector<TensorId> ids = graph.ops[i].in;
    ids.insert(ids.end(), {graph.ops[i].out, graph.ops[i].out2});
    for (const TensorId id : ids) {
      if (id == kNoTensor || graph.tensor(id).role != TensorRole::activation) continue;
      const std::size_t bytes = round_up(sizes.bytes_of(id), align);
      lives.touch(id, bytes, fusions.first[i]);
      lives.touch(id, bytes, fusions.last[i]);
    }
  }
}

}  // namespace mneme
