// SPDX-License-Identifier: Apache-2.0
#include "inference/text/token_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "inference/text/hash_seed.h"

namespace mneme {

TokenTable::TokenTable(const TextList& texts)
    : texts_(texts),
      seed_(hash_seed()),
      slots_(std::bit_ceil(std::max<std::size_t>(2 * texts.size(), 16))),
      mask_(slots_.size() - 1) {
  for (std::size_t id = 0; id < texts.size(); ++id) {
    const std::uint64_t hashed = hash(texts[id]);
    std::size_t slot = hashed & mask_;
    while (slots_[slot].id >= 0 && texts[static_cast<std::size_t>(slots_[slot].id)] != texts[id]) {
      slot = (slot + 1) & mask_;
    }
    if (slots_[slot].id < 0) {
      slots_[slot] = {static_cast<std::uint32_t>(hashed >> 32), static_cast<TokenId>(id)};
    }
  }
}

std::uint64_t TokenTable::hash(std::string_view text) const {
  std::uint64_t hash = seed_ ^ text.size() * 0x9e3779b97f4a7c15u;
  while (!text.empty()) {
    std::uint64_t word = 0;
    const std::size_t size = std::min(text.size(), sizeof word);
    std::memcpy(&word, text.data(), size);
    text.remove_prefix(size);
    hash = (hash ^ word) * 0xd6e8feb86659fd93u;
    hash ^= hash >> 32;
  }
  hash *= 0x9e3779b97f4a7c15u;
  return hash ^ hash >> 29;
}

TokenId TokenTable::find(std::string_view text) const {
  const std::uint64_t hashed = hash(text);
  const auto upper = static_cast<std::uint32_t>(hashed >> 32);
  for (std::size_t slot = hashed & mask_; slots_[slot].id >= 0; slot = (slot + 1) & mask_) {
    if (slots_[slot].hash == upper && texts_[static_cast<std::size_t>(slots_[slot].id)] == text) {
      return slots_[slot].id;
    }
  }
  return -1;
}

}  // namespace mneme
