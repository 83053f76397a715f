// SPDX-License-Identifier: Apache-2.0
#include "inference/text/merge_table.h"

#include <algorithm>
#include <bit>
#include <queue>
#include <random>

#include "base/check.h"

namespace mneme {
namespace {

std::uint64_t key_of(TokenId left, TokenId right) {
  return static_cast<std::uint64_t>(static_cast<std::uint32_t>(left)) << 32 |
         static_cast<std::uint32_t>(right);
}

// Drawn once a process, so that no file can be made whose merges all meet in one slot.
std::uint64_t hash_seed() {
  static const std::uint64_t seed = [] {
    std::random_device device;
    return static_cast<std::uint64_t>(device()) << 32 | device();
  }();
  return seed;
}

struct Symbol {
  TokenId id;
  std::int32_t previous;  // index, -1 = none
  std::int32_t next;      // index, -1 = none; kGone once merged into its left neighbour
};
constexpr std::int32_t kGone = -2;

struct Candidate {
  std::uint32_t rank;
  std::int32_t at;  // index of the left symbol
  TokenId merged;

  // Lowest rank first, then leftmost.
  bool operator<(const Candidate& other) const {
    return rank != other.rank ? rank > other.rank : at > other.at;
  }
};

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

void MergeTable::add(TokenId left, TokenId right, std::uint32_t rank, TokenId merged) {
  const std::uint64_t key = key_of(left, right);
  CHECK(key != kEmpty);
  Slot& slot = slots_[slot_of(key)];
  if (slot.key == kEmpty) slot = {key, rank, merged};
}

const MergeTable::Slot* MergeTable::find(TokenId left, TokenId right) const {
  const Slot& slot = slots_[slot_of(key_of(left, right))];
  return slot.key == kEmpty ? nullptr : &slot;
}

void MergeTable::merge(std::span<const TokenId> symbols, std::vector<TokenId>& out) const {
  CHECK(symbols.size() < 0x7fffffff);
  const auto count = static_cast<std::int32_t>(symbols.size());
  if (count == 0) return;
  std::vector<Symbol> chain(symbols.size());
  std::vector<Candidate> heap;
  heap.reserve(symbols.size());
  for (std::int32_t i = 0; i < count; ++i) {
    chain[static_cast<std::size_t>(i)] = {symbols[static_cast<std::size_t>(i)], i - 1,
                                          i + 1 < count ? i + 1 : -1};
  }
  const auto symbol = [&chain](std::int32_t i) -> Symbol& {
    return chain[static_cast<std::size_t>(i)];
  };
  std::priority_queue<Candidate> queue({}, std::move(heap));
  const auto propose = [&](std::int32_t left) {
    if (left < 0 || symbol(left).next < 0) return;
    if (const Slot* slot = find(symbol(left).id, symbol(symbol(left).next).id)) {
      queue.push({slot->rank, left, slot->merged});
    }
  };
  for (std::int32_t i = 0; i + 1 < count; ++i) propose(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    Symbol& left = symbol(best.at);
    if (left.next < 0) continue;  // gone, or now the last
    const std::int32_t right = left.next;
    const Slot* slot = find(left.id, symbol(right).id);
    if (slot == nullptr || slot->rank != best.rank) continue;  // a neighbour changed since
    left.id = best.merged;
    left.next = symbol(right).next;
    symbol(right).next = kGone;
    if (left.next >= 0) symbol(left.next).previous = best.at;
    propose(left.previous);
    propose(best.at);
  }
  for (std::int32_t i = 0; i >= 0; i = symbol(i).next) out.push_back(symbol(i).id);
}

}  // namespace mneme
