// SPDX-License-Identifier: Apache-2.0
// The row cache gets another budget: entries above it are evicted, the others move together, and
// the index gets as many buckets as there is room for entries. A step at a time, so that answers go
// on.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "base/system_memory.h"
#include "engram/cache_policy.h"
#include "engram/numa.h"
#include "engram/row_cache.h"

namespace mneme {
namespace {

constexpr std::uint64_t kUpperHalves = std::uint64_t{1} << 32;  // of a hash

}  // namespace

bool RowCache::reserve(std::uint32_t capacity) {
  if (arena_.data() == nullptr) {
    // What is pinned may go beyond the budget, and a later budget up to the machine's memory. Where
    // the process has a limit of address space, half of what is left is for everyone else.
    const SystemMemory memory = system_memory();
    const std::size_t fewest = std::max(capacity, kSlotsMin);
    std::size_t slots =
        std::clamp<std::size_t>(memory.total_bytes / entry_bytes_ * 2, fewest, kSlotsMax);
    if (memory.address_space_left) {
      const std::size_t most =
          *memory.address_space_left / 2 / (entry_bytes_ + index_.size() * sizeof(Slot));
      if (most < fewest) return false;
      slots = std::min(slots, most);
    }
    if (!arena_.reserve(slots * entry_bytes_)) return false;
  }
  const std::size_t slots = arena_.reserved_bytes() / entry_bytes_;
  return std::ranges::all_of(index_, [&](Pages& table) {
    return table.data() != nullptr || table.reserve(slots * sizeof(std::uint32_t));
  });
}

Status RowCache::place(int numa_node) {
  const Lock lock(*this);
  CHECK(arena_.data() != nullptr && used_ == 0);
  return place_on_node(arena_.data(), arena_.reserved_bytes(), numa_node);
}

Status RowCache::set_budget(std::uint64_t bytes) {
  const auto capacity =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / entry_cost(), kSlotsMax));
  const std::uint32_t buckets = std::max(capacity, kSlotsMin);
  const std::lock_guard one_at_a_time(budget_mutex_);
  {
    const Lock lock(*this);
    const std::size_t in_use = index_state_.load(std::memory_order_relaxed) & 1;
    Pages& next = index_[has_index() ? 1 - in_use : in_use];
    if (!reserve(capacity) || std::size_t{capacity} * entry_bytes_ > arena_.reserved_bytes() ||
        !next.commit(buckets * sizeof(std::uint32_t)) ||
        !ghosts_.reset(std::size_t{capacity} * kGhostsPerEntry)) {
      return Error{
          ErrorCode::out_of_memory,
          fmt::format("the system has no memory for a row cache of {} MiB: choose a smaller "
                      "budget",
                      bytes >> 20)};
    }
    capacity_ = capacity;
    budget_bytes_ = bytes;
    sort_free();
  }
  for (bool more = true; more; give_way()) {
    const Lock lock(*this);
    more = shrink_to_budget();
  }
  begin_index(buckets);
  for (bool more = true; more; give_way()) {
    const Lock lock(*this);
    more = move_index();
  }
  return {};
}

// ---- the arena ---------------------------------------------------------------------------------

// After the budget has changed: slots within it are used first again.
void RowCache::sort_free() {
  Slot slot = free_.oldest;
  for (std::uint32_t left = free_.size; left > 0; --left) {
    const Slot next = header(slot).newer;
    dequeue(slot);
    add_free(slot);
    slot = next;
  }
}

// Slots that are not used any more, and none behind them is.
void RowCache::drop_slots(Slot first, Slot end) {
  if (first < end) arena_.drop(std::size_t{first} * entry_bytes_, std::size_t{end} * entry_bytes_);
}

// One step of: stop keeping entries beyond their share, evict entries above the budget, move
// entries of high slots down, return the freed memory. False: all is done, as far as pins allow;
// each release() of a pin calls this again.
bool RowCache::shrink_to_budget() {
  all_pinned_ = false;
  over_budget_ = true;  // before the first look at a pin
  std::uint32_t left = kStep;
  for (; left > 0 && kept_.size > kept_max(); --left) stop_keeping(kept_.oldest);
  for (; left > 0 && entries_ > capacity_ && evict_one();) --left;
  const std::uint32_t before = used_;
  for (; left > 0 && entries_ <= capacity_ && used_ > capacity_; --left) {
    const Slot last = used_ - 1;
    if (header(last).queue == QueueName::free) {
      dequeue(last);
    } else if (!relocate(last, free_.newest)) {
      break;
    }
    --used_;
  }
  drop_slots(used_, before);
  over_budget_ = left == 0 || used_ > capacity_ || all_pinned_;
  return left == 0;
}

// ---- the index ---------------------------------------------------------------------------------

// Sets the number of buckets of the first table, or of the other one, which is committed already
// and empty: from here on chains may move to it.
void RowCache::begin_index(std::uint32_t buckets) {
  const Lock lock(*this);
  const std::size_t in_use = index_state_.load(std::memory_order_relaxed) & 1;
  if (buckets_[in_use].load(std::memory_order_relaxed) == buckets) return;
  buckets_[has_index() ? 1 - in_use : in_use].store(buckets, std::memory_order_release);
}

// Moves the chains of some buckets to the other table; false: all are there, and it is in use.
// Searches meanwhile may find nothing and go on to find_or_insert(), which waits.
bool RowCache::move_index() {
  const std::uint64_t state = index_state_.load(std::memory_order_relaxed);
  const std::size_t from = state & 1;
  const std::size_t to = 1 - from;
  const std::uint64_t buckets = buckets_[from].load(std::memory_order_relaxed);
  if (buckets_[to].load(std::memory_order_relaxed) == 0) return false;  // there is no other one
  auto* const old_table = reinterpret_cast<std::uint32_t*>(index_[from].data());
  auto* const table = reinterpret_cast<std::uint32_t*>(index_[to].data());
  std::uint64_t bucket = ((state >> 1) * buckets) >> 32;
  const std::uint64_t end = std::min(buckets, bucket + kStep);
  for (; bucket < end; ++bucket) {
    std::uint32_t next = std::atomic_ref(old_table[bucket]).exchange(0, std::memory_order_release);
    while (next != 0) {
      Header& entry = header(next - 1);
      const std::uint64_t upper = NgramKeyHash{}(entry.key) >> 32;
      const std::atomic_ref first(
          table[(upper * buckets_[to].load(std::memory_order_relaxed)) >> 32]);
      const std::uint32_t moving = next;
      next = std::atomic_ref(entry.chain).load(std::memory_order_relaxed);
      std::atomic_ref(entry.chain)
          .store(first.load(std::memory_order_relaxed), std::memory_order_release);
      first.store(moving, std::memory_order_release);
    }
  }
  if (bucket < buckets) {
    // The first upper half that belongs to a bucket which has not moved.
    const std::uint64_t moved = (bucket * kUpperHalves + buckets - 1) / buckets;
    index_state_.store(moved << 1 | from, std::memory_order_release);
    return true;
  }
  index_state_.store(to, std::memory_order_release);
  index_[from].drop(0, buckets * sizeof(std::uint32_t));
  buckets_[from].store(0, std::memory_order_release);
  return false;
}

}  // namespace mneme
