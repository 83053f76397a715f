// SPDX-License-Identifier: Apache-2.0
#include "engram/device_row_cache_policy.h"

#include <bit>

#include "base/check.h"
#include "engram/cache_policy.h"

namespace mneme {

DeviceRowCachePolicy::DeviceRowCachePolicy(std::uint32_t entries)
    : entries_(entries), index_(std::bit_ceil(std::size_t{entries} * 2)) {
  CHECK(entries > 0 && entries <= kEntriesMax);
  CHECK(ghosts_.reset(std::size_t{entries} * kGhostsPerEntry));
  for (EntryNumber number = entries; number-- > 0;) enqueue(number, QueueName::free);
}

DeviceRowCachePolicy::Stats DeviceRowCachePolicy::stats() const {
  // Read before cached_, which an eviction changes first (one_writer.h).
  const std::uint64_t evictions = evictions_.get();
  return {clear_ ? 0 : cached_.get(), entries_.size(), evictions};
}

// ---- a step ------------------------------------------------------------------------------------

void DeviceRowCachePolicy::plan(std::span<const NgramKey> keys, Step& step) {
  step.forget();
  if (clear_.exchange(false)) remove_all();
  step.policy_ = this;
  step.number_ = ++step_;
  all_in_use_ = false;
  step.locations_.assign(keys.size(), RowLocation{});
  step.misses_.clear();
  step.hits_.clear();
  step.miss_entries_.clear();
  step.miss_index_.assign(std::bit_ceil(keys.size() * 2 + 1), 0);
  hashes_.resize(keys.size());
  // First all look-ups of cached n-grams, so that no miss evicts an entry that this step reads.
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hashes_[i] = NgramKeyHash{}(keys[i]);
    const std::uint32_t found = index_[find(keys[i], hashes_[i])];
    if (found == 0) continue;
    count_use(found - 1);
    step.locations_[i].from = ~static_cast<std::int32_t>(found - 1);
    step.hits_.push_back(keys[i]);
  }
  const std::size_t mask = step.miss_index_.size() - 1;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    RowLocation& location = step.locations_[i];
    if (location.from < 0) continue;
    std::size_t at = hashes_[i] & mask;
    while (step.miss_index_[at] != 0 && step.misses_[step.miss_index_[at] - 1] != keys[i]) {
      at = (at + 1) & mask;
    }
    if (step.miss_index_[at] != 0) {  // a miss already: its rows are transferred once
      const std::uint32_t row = step.miss_index_[at] - 1;
      const std::int32_t entry = step.miss_entries_[row];
      if (entry >= 0) count_use(static_cast<EntryNumber>(entry));
      location.from = static_cast<std::int32_t>(row);
      step.hits_.push_back(keys[i]);
      continue;
    }
    location.from = static_cast<std::int32_t>(step.misses_.size());
    location.keep = cache_ngram(keys[i], hashes_[i]);
    location.is_miss = true;
    step.misses_.push_back(keys[i]);
    step.miss_entries_.push_back(location.keep);
    step.miss_index_[at] = static_cast<std::uint32_t>(step.misses_.size());
  }
}

void DeviceRowCachePolicy::Step::done() {
  CHECK(policy_ != nullptr);
  CHECK(number_ < policy_->forgotten_step_ || number_ >= policy_->valid_from_step_);
  policy_ = nullptr;
}

void DeviceRowCachePolicy::Step::forget() {
  if (policy_ == nullptr) return;
  policy_->forgotten_step_ = number_;
  policy_->valid_from_step_ = policy_->step_ + 1;
  for (const std::int32_t number : miss_entries_) {
    if (number < 0) continue;
    // A later step may have given the entry to another n-gram.
    if (policy_->entries_[static_cast<EntryNumber>(number)].cached_by_step == number_) {
      policy_->remove(static_cast<EntryNumber>(number));
    }
  }
  policy_ = nullptr;
}

void DeviceRowCachePolicy::count_use(EntryNumber number) {
  Entry& entry = entries_[number];
  entry.last_used_step = step_;
  if (entry.uses < kUsesMax) ++entry.uses;
}

// Gives the n-gram an entry and returns its number; -1 where this step uses all entries.
std::int32_t DeviceRowCachePolicy::cache_ngram(const NgramKey& key, std::uint64_t hash) {
  const bool ghost = ghosts_.take(hash);
  if (free_.size == 0 && !evict_one()) return -1;
  const EntryNumber number = free_.newest;
  dequeue(number);
  Entry& entry = entries_[number];
  entry.key = key;
  entry.hash = hash;
  entry.cached_by_step = entry.last_used_step = step_;
  entry.uses = 0;
  enqueue(number, ghost ? QueueName::main : QueueName::small);
  index_[find(key, hash)] = number + 1;
  cached_.add(1);
  return static_cast<std::int32_t>(number);
}

void DeviceRowCachePolicy::remove_all() {
  for (EntryNumber number = 0; number < entries_.size(); ++number) {
    if (entries_[number].queue != QueueName::free) remove(number);
  }
}

// ---- the index ---------------------------------------------------------------------------------

std::size_t DeviceRowCachePolicy::find(const NgramKey& key, std::uint64_t hash) const {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = home(hash);
  while (index_[at] != 0 &&
         (entries_[index_[at] - 1].hash != hash || entries_[index_[at] - 1].key != key)) {
    at = (at + 1) & mask;
  }
  return at;
}

void DeviceRowCachePolicy::remove(EntryNumber number) {
  Entry& entry = entries_[number];
  const std::size_t mask = index_.size() - 1;
  std::size_t hole = find(entry.key, entry.hash);
  CHECK(index_[hole] == number + 1);
  // A search ends at a free position: move later n-grams into the hole where it would cut them off.
  for (std::size_t at = (hole + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    const std::size_t wanted = home(entries_[index_[at] - 1].hash);
    if (((at - wanted) & mask) >= ((at - hole) & mask)) {
      index_[hole] = index_[at];
      hole = at;
    }
  }
  index_[hole] = 0;
  entry.cached_by_step = 0;
  dequeue(number);
  enqueue(number, QueueName::free);
  cached_.set(cached_.get() - 1);
}

// ---- the queues --------------------------------------------------------------------------------

DeviceRowCachePolicy::Queue& DeviceRowCachePolicy::queue(QueueName name) {
  return name == QueueName::free ? free_ : name == QueueName::small ? small_ : main_;
}

void DeviceRowCachePolicy::enqueue(EntryNumber number, QueueName name) {
  Queue& q = queue(name);
  Entry& entry = entries_[number];
  entry.queue = name;
  entry.newer = kNone;
  entry.older = q.newest;
  if (q.newest != kNone) entries_[q.newest].newer = number;
  q.newest = number;
  if (q.oldest == kNone) q.oldest = number;
  ++q.size;
}

void DeviceRowCachePolicy::dequeue(EntryNumber number) {
  const Entry& entry = entries_[number];
  Queue& q = queue(entry.queue);
  (entry.newer == kNone ? q.newest : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? q.oldest : entries_[entry.older].newer) = entry.newer;
  --q.size;
}

bool DeviceRowCachePolicy::evict_one() {
  if (all_in_use_) return false;
  const auto capacity = static_cast<std::uint32_t>(entries_.size());
  const bool small_is_full = small_.size >= small_share(capacity);
  // evict_from_small() moves n-grams that were hit to the main queue: so that one is tried again.
  const bool evicted = ((small_is_full || main_.size == 0) && evict_from_small()) ||
                       evict_from_main() || evict_from_small() || evict_from_main();
  all_in_use_ = !evicted;
  return evicted;
}

bool DeviceRowCachePolicy::evict_from_small() {
  const auto capacity = static_cast<std::uint32_t>(entries_.size());
  for (std::uint32_t left = small_.size; left > 0; --left) {
    const EntryNumber number = small_.oldest;
    Entry& entry = entries_[number];
    const bool main_has_room = main_.size + small_share(capacity) < capacity;
    // One hit is enough for the main queue while that has room, else two (row_cache.h says why).
    if (entry.uses > (main_has_room ? 0 : 1)) {
      dequeue(number);
      entry.uses = 0;
      enqueue(number, QueueName::main);
    } else if (entry.last_used_step == step_) {
      dequeue(number);
      enqueue(number, QueueName::small);
    } else {
      ghosts_.add(entry.hash);
      evict(number);
      return true;
    }
  }
  return false;
}

bool DeviceRowCachePolicy::evict_from_main() {
  // Each round through the queue takes one use from every entry: after kUsesMax rounds none has
  // any, and the next round evicts the first entry that this step does not use.
  for (std::uint64_t left = std::uint64_t{main_.size} * (kUsesMax + 1); left > 0; --left) {
    const EntryNumber number = main_.oldest;
    Entry& entry = entries_[number];
    if (entry.uses == 0 && entry.last_used_step != step_) {
      evict(number);
      return true;
    }
    if (entry.uses > 0) --entry.uses;
    dequeue(number);
    enqueue(number, QueueName::main);
  }
  return false;
}

void DeviceRowCachePolicy::evict(EntryNumber number) {
  remove(number);
  evictions_.add(1);
}

}  // namespace mneme
