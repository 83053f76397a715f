// SPDX-License-Identifier: Apache-2.0
#include "inference/text/token_table.h"

#include <algorithm>
#include <bit>

#include "inference/text/text_hash.h"

namespace mneme {

TokenTable::TokenTable(const TextList& texts)
    : texts_(texts),
      seed_(hash_seed()),
      slots_(std::bit_ceil(std::max<std::size_t>(2 * texts.size(), 16))),
      mask_(slots_.size() - 1) {
  for (std::size_t id = 0; id < texts.size(); ++id) {
    const std::uint64_t hashed = hash_text(seed_, texts[id]);
    std::size_t slot = hashed & mask_;
    while (slots_[slot].id >= 0 && texts[static_cast<std::size_t>(slots_[slot].id)] != texts[id]) {
      slot = (slot + 1) & mask_;
    }
    if (slots_[slot].id < 0) {
      slots_[slot] = {static_cast<std::uint32_t>(hashed >> 32), static_cast<TokenId>(id)};
    }
  }
}

TokenId TokenTable::find(std::string_view text) const {
  const std::uint64_t hashed = hash_text(seed_, text);
  const auto upper = static_cast<std::uint32_t>(hashed >> 32);
  for (std::size_t slot = hashed & mask_; slots_[slot].id >= 0; slot = (slot + 1) & mask_) {
    if (slots_[slot].hash == upper && texts_[static_cast<std::size_t>(slots_[slot].id)] == text) {
      return slots_[slot].id;
    }
  }
  return -1;
}

}  // namespace mneme
