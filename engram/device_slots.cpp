// SPDX-License-Identifier: Apache-2.0
#include "engram/device_slots.h"

#include <bit>

#include "engram/cache_policy.h"
#include "inference/base/check.h"

namespace mneme {

DeviceSlots::DeviceSlots(std::uint32_t entries)
    : entries_(entries), index_(std::bit_ceil(std::size_t{entries} * 2)) {
  CHECK(entries > 0 && entries <= kEntriesMax);
  CHECK(ghosts_.reset(std::size_t{entries} * kGhostsPerEntry));
  for (Number number = entries; number-- > 0;) enqueue(number, QueueName::free);
}

DeviceSlots::Stats DeviceSlots::stats() const {
  const std::uint64_t evictions = evictions_.get();
  return {clear_ ? 0 : held_.get(), entries_.size(), evictions};
}

// ---- a step ------------------------------------------------------------------------------------

void DeviceSlots::plan(std::span<const NgramKey> keys, Step& step) {
  step.forget();
  if (clear_.exchange(false)) forget_all();
  step.slots_ = this;
  step.number_ = ++step_;
  all_used_ = false;
  step.places_.assign(keys.size(), Place{});
  step.missing_.clear();
  step.answered_.clear();
  step.kept_.clear();
  step.index_.assign(std::bit_ceil(keys.size() * 2 + 1), 0);
  hashes_.resize(keys.size());
  // First what is there, so that no newcomer pushes out what this very step needs.
  for (std::size_t i = 0; i < keys.size(); ++i) {
    hashes_[i] = NgramKeyHash{}(keys[i]);
    const std::uint32_t found = index_[find(keys[i], hashes_[i])];
    if (found == 0) continue;
    use(found - 1);
    step.places_[i].from = ~static_cast<std::int32_t>(found - 1);
    step.answered_.push_back(keys[i]);
  }
  const std::size_t mask = step.index_.size() - 1;
  for (std::size_t i = 0; i < keys.size(); ++i) {
    Place& place = step.places_[i];
    if (place.from < 0) continue;
    std::size_t at = hashes_[i] & mask;
    while (step.index_[at] != 0 && step.missing_[step.index_[at] - 1] != keys[i]) {
      at = (at + 1) & mask;
    }
    if (step.index_[at] != 0) {  // once more in this step
      const std::uint32_t row = step.index_[at] - 1;
      if (step.kept_[row] >= 0) use(static_cast<Number>(step.kept_[row]));
      place.from = static_cast<std::int32_t>(row);
      step.answered_.push_back(keys[i]);
      continue;
    }
    place.from = static_cast<std::int32_t>(step.missing_.size());
    place.keep = keep(keys[i], hashes_[i]);
    place.brings = true;
    step.missing_.push_back(keys[i]);
    step.kept_.push_back(place.keep);
    step.index_[at] = static_cast<std::uint32_t>(step.missing_.size());
  }
}

void DeviceSlots::Step::done() {
  CHECK(slots_ != nullptr);
  CHECK(number_ < slots_->forgotten_ || number_ >= slots_->good_from_);
  slots_ = nullptr;
}

void DeviceSlots::Step::forget() {
  if (slots_ == nullptr) return;
  slots_->forgotten_ = number_;
  slots_->good_from_ = slots_->step_ + 1;
  for (const std::int32_t number : kept_) {
    if (number < 0) continue;
    // A later step may have given the entry to another n-gram.
    if (slots_->entries_[static_cast<Number>(number)].born == number_) {
      slots_->remove(static_cast<Number>(number));
    }
  }
  slots_ = nullptr;
}

void DeviceSlots::use(Number number) {
  Entry& entry = entries_[number];
  entry.used = step_;
  if (entry.uses < 3) ++entry.uses;
}

// An entry for a newcomer; -1 where this step uses all there are.
std::int32_t DeviceSlots::keep(const NgramKey& key, std::uint64_t hash) {
  const bool ghost = ghosts_.take(hash);
  if (free_.size == 0 && !evict_one()) return -1;
  const Number number = free_.newest;
  dequeue(number);
  Entry& entry = entries_[number];
  entry.key = key;
  entry.hash = hash;
  entry.born = entry.used = step_;
  entry.uses = 0;
  enqueue(number, ghost ? QueueName::main : QueueName::small);
  index_[find(key, hash)] = number + 1;
  held_.add(1);
  return static_cast<std::int32_t>(number);
}

void DeviceSlots::forget_all() {
  for (Number number = 0; number < entries_.size(); ++number) {
    if (entries_[number].queue != QueueName::free) remove(number);
  }
}

// ---- the index ---------------------------------------------------------------------------------

std::size_t DeviceSlots::find(const NgramKey& key, std::uint64_t hash) const {
  const std::size_t mask = index_.size() - 1;
  std::size_t at = home(hash);
  while (index_[at] != 0 &&
         (entries_[index_[at] - 1].hash != hash || entries_[index_[at] - 1].key != key)) {
    at = (at + 1) & mask;
  }
  return at;
}

void DeviceSlots::remove(Number number) {
  Entry& entry = entries_[number];
  const std::size_t mask = index_.size() - 1;
  std::size_t hole = find(entry.key, entry.hash);
  CHECK(index_[hole] == number + 1);
  // Close the gap, so that no search stops at it too early.
  for (std::size_t at = (hole + 1) & mask; index_[at] != 0; at = (at + 1) & mask) {
    const std::size_t wanted = home(entries_[index_[at] - 1].hash);
    if (((at - wanted) & mask) >= ((at - hole) & mask)) {
      index_[hole] = index_[at];
      hole = at;
    }
  }
  index_[hole] = 0;
  entry.born = 0;
  dequeue(number);
  enqueue(number, QueueName::free);
  held_.set(held_.get() - 1);
}

// ---- the queues --------------------------------------------------------------------------------

DeviceSlots::Queue& DeviceSlots::queue(QueueName name) {
  return name == QueueName::free ? free_ : name == QueueName::small ? small_ : main_;
}

void DeviceSlots::enqueue(Number number, QueueName name) {
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

void DeviceSlots::dequeue(Number number) {
  const Entry& entry = entries_[number];
  Queue& q = queue(entry.queue);
  (entry.newer == kNone ? q.newest : entries_[entry.newer].older) = entry.older;
  (entry.older == kNone ? q.oldest : entries_[entry.older].newer) = entry.newer;
  --q.size;
}

bool DeviceSlots::evict_one() {
  if (all_used_) return false;
  const auto capacity = static_cast<std::uint32_t>(entries_.size());
  const bool small_is_full = small_.size >= small_share(capacity);
  // The last try finds what the small queue has just handed to the main one.
  const bool evicted = ((small_is_full || main_.size == 0) && evict_from_small()) ||
                       evict_from_main() || evict_from_small() || evict_from_main();
  all_used_ = !evicted;
  return evicted;
}

bool DeviceSlots::evict_from_small() {
  const auto capacity = static_cast<std::uint32_t>(entries_.size());
  for (std::uint32_t left = small_.size; left > 0; --left) {
    const Number number = small_.oldest;
    Entry& entry = entries_[number];
    const bool main_has_room = main_.size + small_share(capacity) < capacity;
    if (entry.uses > (main_has_room ? 0 : 1)) {
      dequeue(number);
      entry.uses = 0;
      enqueue(number, QueueName::main);
    } else if (entry.used == step_) {
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

bool DeviceSlots::evict_from_main() {
  // Every entry loses a use a round and has at most three, so four rounds end at a victim if there
  // is one.
  for (std::uint64_t left = std::uint64_t{main_.size} * 4; left > 0; --left) {
    const Number number = main_.oldest;
    Entry& entry = entries_[number];
    if (entry.uses == 0 && entry.used != step_) {
      evict(number);
      return true;
    }
    if (entry.uses > 0) --entry.uses;
    dequeue(number);
    enqueue(number, QueueName::main);
  }
  return false;
}

void DeviceSlots::evict(Number number) {
  remove(number);
  evictions_.add(1);
}

}  // namespace mneme
