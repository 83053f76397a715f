// SPDX-License-Identifier: Apache-2.0
// Functions of the row cache that go through all entries, from time to time: to copy, list, drop or
// keep them. A hit never runs them.
#include <algorithm>
#include <array>

#include "base/check.h"
#include "engram/row_cache.h"

namespace mneme {

bool RowCache::ready(const NgramKey& key) const {
  const Lock lock(*this);
  const Slot slot = find(key, NgramKeyHash{}(key));
  return slot != kNone && all_complete(slot);
}

bool RowCache::restore(const NgramKey& key, CacheSegment segment, std::span<const std::byte> rows) {
  CHECK(rows.size() == rows_bytes_);
  const std::uint64_t hash = NgramKeyHash{}(key);
  const Lock lock(*this);
  if (entries_ >= capacity_ || find(key, hash) != kNone) return false;
  if (free_.size == 0 && used_ == slots_ && !make_room()) return false;
  const Slot slot = new_slot(key, hash);
  const bool keep = segment == CacheSegment::kept && kept_.size < kept_max();
  enqueue_oldest(slot, keep                              ? QueueName::kept
                       : segment == CacheSegment::seldom ? QueueName::small
                                                         : QueueName::main);
  std::fill_n(layer_states(slot), layers_.size(), LayerState{});
  std::ranges::copy(rows, arena_.data() + std::size_t{slot} * entry_bytes_ + layer_offset_[0]);
  publish(slot, 0);
  return true;
}

RowCache::CachedEntry RowCache::acquire_entry(std::uint64_t number) {
  const Lock lock(*this);
  if (number >= used_) return {};
  const auto slot = static_cast<Slot>(number);
  const Header& entry = header(slot);
  if (!is_there(slot) || !all_complete(slot) || !try_pin(slot)) return {};
  const CacheSegment segment = entry.queue == QueueName::small  ? CacheSegment::seldom
                               : entry.queue == QueueName::kept ? CacheSegment::kept
                                                                : CacheSegment::often;
  return {Pin{slot}, entry.key, segment};
}

std::uint64_t RowCache::numbers() const {
  const Lock lock(*this);
  return used_;
}

bool RowCache::is_there(Slot slot) const {
  const QueueName name = header(slot).queue;
  return name != QueueName::none && name != QueueName::free;
}

template <typename Visit>
void RowCache::each(Visit visit) {
  for (Slot first = 0;; first += kStep) {
    give_way();
    const Lock lock(*this);
    if (first >= used_) return;
    for (Slot slot = first; slot < std::min(used_, first + kStep); ++slot) {
      if (is_there(slot)) visit(slot);
    }
  }
}

NgramSlice RowCache::list(std::uint64_t first, std::span<NgramKey> out) const {
  CHECK(!out.empty());
  NgramSlice slice;
  const Lock lock(*this);
  if (first >= used_) return slice;
  const std::uint64_t end = std::min<std::uint64_t>({used_, first + kStep, first + out.size()});
  for (auto slot = static_cast<Slot>(first); slot < end; ++slot) {
    if (is_there(slot) && all_complete(slot)) out[slice.count++] = header(slot).key;
  }
  slice.next = end < used_ ? end : 0;
  return slice;
}

std::uint64_t RowCache::drop() {
  std::uint64_t dropped = 0;
  for (std::uint64_t end = numbers(); end > 0;) {
    give_way();
    const Lock lock(*this);
    end = std::min<std::uint64_t>(end, used_);
    const std::uint64_t first = end - std::min<std::uint64_t>(end, kStep);
    for (auto slot = static_cast<Slot>(end); slot-- > first;) {
      if (!is_there(slot)) continue;
      if (header(slot).queue == QueueName::kept) stop_keeping(slot);
      if (!try_invalidate(slot)) continue;
      remove(slot);
      ++dropped;
    }
    const std::uint32_t before = used_;
    while (used_ > 0 && header(used_ - 1).queue == QueueName::free) dequeue(--used_);
    drop_slots(used_, before);
    all_pinned_ = false;
    end = first;
  }
  const Lock lock(*this);
  ghosts_.clear();
  return dropped;
}

void RowCache::stop_keeping(Slot slot) {
  dequeue(slot);
  enqueue(slot, QueueName::main);
}

std::uint64_t RowCache::keep_most_used(std::uint64_t most) {
  std::vector<std::uint32_t> with_hits(1u << 16);
  each([&](Slot slot) {
    Header& entry = header(slot);
    if (entry.queue == QueueName::kept) stop_keeping(slot);
    ++with_hits[std::atomic_ref(entry.hits).load(std::memory_order_relaxed)];
  });
  {
    const Lock lock(*this);
    most = std::min<std::uint64_t>(most, kept_max());
  }
  // The fewest hits that are enough; of those with just as many, some.
  std::uint64_t left = most;
  std::size_t enough = with_hits.size();
  while (enough > 1 && left > with_hits[enough - 1]) left -= with_hits[--enough];
  each([&](Slot slot) {
    Header& entry = header(slot);
    const std::size_t hits = std::atomic_ref(entry.hits).load(std::memory_order_relaxed);
    if (hits + 1 < enough || hits == 0 || kept_.size >= std::min<std::uint64_t>(most, kept_max()))
      return;
    if (hits + 1 == enough) {
      if (left == 0) return;
      --left;
    }
    dequeue(slot);
    enqueue(slot, QueueName::kept);
  });
  return kept();
}

}  // namespace mneme
