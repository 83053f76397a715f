// SPDX-License-Identifier: Apache-2.0
#include "engram/ngram_key.h"

namespace mneme {

std::size_t NgramKeyHash::operator()(const NgramKey& key) const {
  // Two classes a round, each round a full 64-bit mix (the finaliser of splitmix64).
  std::uint64_t hash = static_cast<std::uint64_t>(key.order);
  for (std::int32_t k = 0; k < key.order; k += 2) {
    const std::uint64_t low = static_cast<std::uint32_t>(key.classes[k]);
    const std::uint64_t high =
        k + 1 < key.order ? static_cast<std::uint32_t>(key.classes[k + 1]) : 0;
    hash = (hash ^ (low | high << 32)) + 0x9e3779b97f4a7c15u;
    hash = (hash ^ (hash >> 30)) * 0xbf58476d1ce4e5b9u;
    hash = (hash ^ (hash >> 27)) * 0x94d049bb133111ebu;
    hash ^= hash >> 31;
  }
  return static_cast<std::size_t>(hash);
}

}  // namespace mneme
