// SPDX-License-Identifier: Apache-2.0
#include "inference/text/merge_table.h"

#include <algorithm>
#include <bit>

#include "base/check.h"
#include "inference/text/text_hash.h"

namespace mneme {
namespace {

std::uint64_t key_of(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

}  // namespace

MergeTable::MergeTable(std::size_t merges_max)
    : seed_(hash_seed()),
      slots_(std::bit_ceil(std::max<std::size_t>(2 * merges_max, 16))),
      mask_(slots_.size() - 1) {}

std::size_t MergeTable::slot_of(std::uint64_t key) const {
  std::uint64_t hash = (key ^ seed_) * 0x9e3779b97f4a7c15u;
  hash = (hash ^ hash >> 32) * 0xd6e8feb86659fd93u;
  hash ^= hash >> 32;
  std::size_t slot = hash & mask_;
  while (slots_[slot].key != kEmpty && slots_[slot].key != key) slot = (slot + 1) & mask_;
  return slot;
}

void MergeTable::add(TokenId left, TokenId right, Merge merge) {
  CHECK(left >= 0 && right >= 0);
  Slot& slot = slots_[slot_of(key_of(left, right))];
  if (slot.key == kEmpty) slot = {key_of(left, right), merge};
}

Merge MergeTable::find(TokenId left, TokenId right) const {
  return slots_[slot_of(key_of(left, right))].merge;
}

}  // namespace mneme
