// SPDX-License-Identifier: Apache-2.0
#include "engram/miniature_cache.h"

#include <bit>

#include "base/check.h"
#include "engram/cache_policy.h"

namespace mneme {
namespace {

// The ghosts take a bucket from the upper half and a print from the lower one.
std::uint64_t ghost_hash(std::uint32_t print) {
  return std::uint64_t{print * 0x85EBCA6Bu} << 32 | print;
}

}  // namespace

void MiniatureCache::Queue::push(Slot slot) {
  std::uint32_t at = first + size++;
  if (at >= slots.size()) at -= static_cast<std::uint32_t>(slots.size());
  slots[at] = slot;
}

MiniatureCache::Slot MiniatureCache::Queue::pop() {
  const Slot slot = slots[first];
  if (++first == slots.size()) first = 0;
  --size;
  return slot;
}

MiniatureCache::MiniatureCache(std::uint32_t entries)
    : entries_(entries), index_(std::bit_ceil(entries) * 2) {
  CHECK(entries > 0 && entries <= kEntriesMax);
  small_.slots.resize(entries);
  main_.slots.resize(entries);
  CHECK(ghosts_.reset(std::size_t{entries} * kGhostsPerEntry));
}

std::uint32_t MiniatureCache::home(std::uint32_t print) const {
  return (print * 0x9E3779B1u) >> (32 - std::countr_zero(index_.size()));
}

std::uint32_t MiniatureCache::find(std::uint32_t print) const {
  const auto mask = static_cast<std::uint32_t>(index_.size() - 1);
  std::uint32_t at = home(print);
  while (index_[at] != 0 && entries_[index_[at] - 1u].print != print) at = (at + 1) & mask;
  return at;
}

void MiniatureCache::forget(std::uint32_t print) {
  const auto mask = static_cast<std::uint32_t>(index_.size() - 1);
  std::uint32_t hole = find(print);
  // Close the gap, so that no search stops at it too early.
  for (std::uint32_t at = (hole + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    const std::uint32_t wanted = home(entries_[index_[at] - 1u].print);
    if (((at - wanted) & mask) >= ((at - hole) & mask)) {
      index_[hole] = index_[at];
      hole = at;
    }
  }
  index_[hole] = 0;
}

MiniatureCache::Slot MiniatureCache::evict() {
  const auto capacity = static_cast<std::uint32_t>(entries_.size());
  const std::uint32_t small_max = small_share(capacity);
  for (;;) {
    const bool from_small = small_.size >= small_max || main_.size == 0;
    const Slot slot = (from_small ? small_ : main_).pop();
    Entry& entry = entries_[slot];
    const bool main_has_room = main_.size + small_max < capacity;
    if (from_small && entry.uses > (main_has_room ? 0 : 1)) {
      entry.uses = 0;
      main_.push(slot);
    } else if (!from_small && entry.uses > 0) {
      --entry.uses;
      main_.push(slot);
    } else {
      if (from_small) ghosts_.add(ghost_hash(entry.print));
      forget(entry.print);
      return slot;
    }
  }
}

bool MiniatureCache::access(std::uint64_t hash) {
  const auto print = static_cast<std::uint32_t>(hash >> 32);
  if (const Slot found = index_[find(print)]; found != 0) {
    Entry& entry = entries_[found - 1u];
    if (entry.uses < 3) ++entry.uses;
    return true;
  }
  const bool ghost = ghosts_.take(ghost_hash(print));
  const Slot slot = used_ < entries_.size() ? static_cast<Slot>(used_++) : evict();
  entries_[slot] = {print, 0};
  index_[find(print)] = static_cast<Slot>(slot + 1);
  (ghost ? main_ : small_).push(slot);
  return false;
}

}  // namespace mneme
