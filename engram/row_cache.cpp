// SPDX-License-Identifier: Apache-2.0
#include "engram/row_cache.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "inference/base/check.h"

namespace mneme {
namespace {

constexpr std::uint32_t kSlotsMin = 64;  // that the arena and the index start with
constexpr std::uint32_t kSlotsMax = 0xFFFFFFF0u;

std::size_t round_up_8(std::size_t n) {
  return (n + 7) / 8 * 8;
}

}  // namespace

RowCache::RowCache(std::span<const std::uint32_t> layer_bytes)
    : layer_bytes_(layer_bytes.begin(), layer_bytes.end()) {
  CHECK(!layer_bytes_.empty());
  std::size_t size = round_up_8(sizeof(Header)) + layer_bytes_.size() * sizeof(LayerState);
  for (const std::uint32_t bytes : layer_bytes_) {
    layer_offset_.push_back(size);
    size += bytes;
    rows_bytes_ += bytes;
  }
  entry_bytes_ = round_up_8(size);
}

std::uint64_t RowCache::entry_cost() const {
  return entry_bytes_ + sizeof(Slot) + GhostList::kBytesPerEntry;
}

Status RowCache::set_budget(std::uint64_t bytes) {
  const auto capacity =
      static_cast<std::uint32_t>(std::min<std::uint64_t>(bytes / entry_cost(), kSlotsMax));
  const std::uint64_t buckets = std::max(capacity, kSlotsMin);
  Pages index;
  if (!index.resize(buckets * sizeof(Slot)) || !ghosts_.reset(capacity)) {
    return Error{ErrorCode::out_of_memory,
                 fmt::format("the system has no memory for a row cache of {} MiB: choose a smaller "
                             "budget",
                             bytes >> 20)};
  }
  capacity_ = capacity;
  budget_bytes_ = bytes;
  evict_over_budget();
  index_ = std::move(index);
  buckets_ = buckets;
  for (Slot slot = 0; slot < entries_; ++slot) {
    if (header(slot).indexed) index_add(slot);
  }
  trim_arena();
  return {};
}

// ---- entries -----------------------------------------------------------------------------------

RowCache::Header& RowCache::header(Slot slot) const {
  return *reinterpret_cast<Header*>(arena_.data() + std::size_t{slot} * entry_bytes_);
}

RowCache::LayerState* RowCache::layers(Slot slot) const {
  return reinterpret_cast<LayerState*>(arena_.data() + std::size_t{slot} * entry_bytes_ +
                                       round_up_8(sizeof(Header)));
}

RowCache::Slot RowCache::slot_of(Pin pin) const {
  const auto index = static_cast<std::uint32_t>(pin);
  CHECK(index < pin_slots_.size() && pin_slots_[index] != kNone);
  return pin_slots_[index];
}

std::span<std::byte> RowCache::bytes(Pin pin, std::size_t layer) {
  std::byte* const entry = arena_.data() + std::size_t{slot_of(pin)} * entry_bytes_;
  return {entry + layer_offset_[layer], layer_bytes_[layer]};
}

RowCache::LayerState& RowCache::layer(Pin pin, std::size_t layer) {
  DCHECK(layer < layer_bytes_.size());
  return layers(slot_of(pin))[layer];
}

std::uint32_t& RowCache::owner(Pin pin) {
  return header(slot_of(pin)).owner;
}

bool RowCache::ready(const NgramKey& key) const {
  const Slot slot = find(key);
  if (slot == kNone) return false;
  const LayerState* const states = layers(slot);
  return std::all_of(states, states + layer_bytes_.size(),
                     [](const LayerState& state) { return state.phase == LayerPhase::ready; });
}

// ---- pins --------------------------------------------------------------------------------------

RowCache::Pin RowCache::hold(Slot slot) {
  Header& entry = header(slot);
  if (entry.pins++ > 0) return entry.pin;
  --unpinned_;
  if (free_pins_.empty()) {
    free_pins_.push_back(static_cast<std::uint32_t>(pin_slots_.size()));
    pin_slots_.push_back(kNone);
  }
  entry.pin = Pin{free_pins_.back()};
  free_pins_.pop_back();
  pin_slots_[static_cast<std::uint32_t>(entry.pin)] = slot;
  return entry.pin;
}

RowCache::Pin RowCache::pin(const NgramKey& key) {
  const Slot slot = find(key);
  if (slot == kNone) return kNoPin;
  Header& entry = header(slot);
  if (entry.uses < 3) ++entry.uses;
  return hold(slot);
}

void RowCache::add_pin(Pin pin) {
  ++header(slot_of(pin)).pins;
}

bool RowCache::unpin(Pin pin) {
  const Slot slot = slot_of(pin);
  Header& entry = header(slot);
  CHECK(entry.pins > 0);
  if (--entry.pins > 0) return false;
  ++unpinned_;
  entry.pin = kNoPin;
  pin_slots_[static_cast<std::uint32_t>(pin)] = kNone;
  free_pins_.push_back(static_cast<std::uint32_t>(pin));
  if (!entry.indexed) remove(slot);
  if (entries_ > capacity_) {
    evict_over_budget();
    if (entries_ <= capacity_) trim_arena();
  }
  return true;
}

RowCache::Pin RowCache::insert(const NgramKey& key) {
  DCHECK(find(key) == kNone);
  while (entries_ >= capacity_ && evict_one()) {
  }
  if (entries_ == slots_ && !make_room() && !evict_one()) return kNoPin;
  const Slot slot = new_slot(key);
  enqueue(slot, ghosts_.contains(NgramKeyHash{}(key)) ? QueueName::main : QueueName::small);
  return hold(slot);
}

RowCache::Slot RowCache::new_slot(const NgramKey& key) {
  const Slot slot = entries_++;
  header(slot) = Header{.key = key, .pin = kNoPin, .newer = kNone, .older = kNone, .chain = kNone};
  std::fill_n(layers(slot), layer_bytes_.size(), LayerState{});
  index_add(slot);
  ++unpinned_;
  return slot;
}

std::span<std::byte> RowCache::restore(const NgramKey& key, bool often_used) {
  if (entries_ >= capacity_ || find(key) != kNone) return {};
  if (entries_ == slots_ && !make_room()) return {};
  const Slot slot = new_slot(key);
  enqueue_oldest(slot, often_used ? QueueName::main : QueueName::small);
  LayerState* const states = layers(slot);
  for (std::size_t i = 0; i < layer_bytes_.size(); ++i) states[i].phase = LayerPhase::ready;
  return {arena_.data() + std::size_t{slot} * entry_bytes_ + layer_offset_[0], rows_bytes_};
}

RowCache::Kept RowCache::kept(std::uint64_t number) const {
  const auto slot = static_cast<Slot>(number);
  CHECK(slot < entries_);
  const Header& entry = header(slot);
  const LayerState* const states = layers(slot);
  const bool ready = entry.indexed &&
                     std::all_of(states, states + layer_bytes_.size(),
                                 [](const LayerState& s) { return s.phase == LayerPhase::ready; });
  const std::byte* const rows = arena_.data() + std::size_t{slot} * entry_bytes_ + layer_offset_[0];
  return {entry.key, entry.queue == QueueName::main, ready, {rows, rows_bytes_}};
}

void RowCache::forget(Pin pin) {
  const Slot slot = slot_of(pin);
  if (!header(slot).indexed) return;
  index_remove(slot);
  dequeue(slot);
}

// ---- the index: hash chains through the headers
// --------------------------------------------------

RowCache::Slot* RowCache::bucket(const NgramKey& key) const {
  const std::uint64_t hash = NgramKeyHash{}(key);
  return reinterpret_cast<Slot*>(index_.data()) + (((hash >> 32) * buckets_) >> 32);
}

RowCache::Slot RowCache::find(const NgramKey& key) const {
  if (buckets_ == 0) return kNone;
  Slot slot = *bucket(key) - 1;
  while (slot != kNone && header(slot).key != key) slot = header(slot).chain;
  return slot;
}

void RowCache::index_add(Slot slot) {
  Header& entry = header(slot);
  Slot* const first = bucket(entry.key);
  entry.chain = *first - 1;
  entry.indexed = true;
  *first = slot + 1;
}

void RowCache::index_remove(Slot slot) {
  Header& entry = header(slot);
  Slot* const first = bucket(entry.key);
  if (*first == slot + 1) {
    *first = entry.chain + 1;
  } else {
    Slot before = *first - 1;
    while (header(before).chain != slot) before = header(before).chain;
    header(before).chain = entry.chain;
  }
  entry.indexed = false;
}

// ---- the queues --------------------------------------------------------------------------------

void RowCache::enqueue(Slot slot, QueueName name) {
  Queue& q = queue(name);
  Header& entry = header(slot);
  entry.queue = name;
  entry.newer = kNone;
  entry.older = q.newest;
  if (q.newest != kNone) header(q.newest).newer = slot;
  q.newest = slot;
  if (q.oldest == kNone) q.oldest = slot;
  ++q.size;
}

void RowCache::enqueue_oldest(Slot slot, QueueName name) {
  Queue& q = queue(name);
  Header& entry = header(slot);
  entry.queue = name;
  entry.older = kNone;
  entry.newer = q.oldest;
  if (q.oldest != kNone) header(q.oldest).older = slot;
  q.oldest = slot;
  if (q.newest == kNone) q.newest = slot;
  ++q.size;
}

void RowCache::dequeue(Slot slot) {
  Header& entry = header(slot);
  Queue& q = queue(entry.queue);
  (entry.newer == kNone ? q.newest : header(entry.newer).older) = entry.older;
  (entry.older == kNone ? q.oldest : header(entry.older).newer) = entry.newer;
  entry.queue = QueueName::none;
  --q.size;
}

bool RowCache::evict_from_small() {
  for (std::uint32_t left = small_.size; left > 0; --left) {
    const Slot slot = small_.oldest;
    Header& entry = header(slot);
    if (entry.uses > 1) {
      dequeue(slot);
      entry.uses = 0;
      enqueue(slot, QueueName::main);
    } else if (entry.pins > 0) {
      dequeue(slot);
      enqueue(slot, QueueName::small);
    } else {
      ghosts_.add(NgramKeyHash{}(entry.key));
      remove(slot);
      return true;
    }
  }
  return false;
}

bool RowCache::evict_from_main() {
  // Every entry loses a use a round and has at most three, so four rounds end at a victim if there
  // is one.
  for (std::uint64_t left = std::uint64_t{main_.size} * 4; left > 0; --left) {
    const Slot slot = main_.oldest;
    Header& entry = header(slot);
    if (entry.uses == 0 && entry.pins == 0) {
      remove(slot);
      return true;
    }
    if (entry.uses > 0) --entry.uses;
    dequeue(slot);
    enqueue(slot, QueueName::main);
  }
  return false;
}

bool RowCache::evict_one() {
  if (unpinned_ == 0) return false;
  const bool small_is_full = std::uint64_t{small_.size} * 10 >= capacity_;
  // The last try finds what the small queue has just handed to the main one.
  const bool evicted = ((small_is_full || main_.size == 0) && evict_from_small()) ||
                       evict_from_main() || evict_from_small() || evict_from_main();
  CHECK(evicted);
  ++evictions_;
  return true;
}

void RowCache::evict_over_budget() {
  while (entries_ > capacity_ && evict_one()) {
  }
}

// ---- the arena ---------------------------------------------------------------------------------

void RowCache::remove(Slot slot) {
  if (header(slot).indexed) {
    index_remove(slot);
    dequeue(slot);
  }
  --unpinned_;
  const Slot last = --entries_;
  if (slot != last) relocate(last, slot);
}

void RowCache::relocate(Slot from, Slot to) {
  Header& entry = header(from);
  if (entry.indexed) {
    Slot* link = bucket(entry.key);
    if (*link == from + 1) {
      *link = to + 1;
    } else {
      Slot before = *link - 1;
      while (header(before).chain != from) before = header(before).chain;
      header(before).chain = to;
    }
    Queue& q = queue(entry.queue);
    (entry.newer == kNone ? q.newest : header(entry.newer).older) = to;
    (entry.older == kNone ? q.oldest : header(entry.older).newer) = to;
  }
  if (entry.pins > 0) pin_slots_[static_cast<std::uint32_t>(entry.pin)] = to;
  std::memcpy(arena_.data() + std::size_t{to} * entry_bytes_,
              arena_.data() + std::size_t{from} * entry_bytes_, entry_bytes_);
}

bool RowCache::make_room() {
  // Doubles up to the budget; beyond it, for pinned entries only, in small steps.
  std::uint64_t slots = std::uint64_t{slots_} + std::max(kSlotsMin, slots_ / 8);
  if (slots_ < capacity_) {
    slots = std::min<std::uint64_t>(std::max(std::uint64_t{slots_} * 2, std::uint64_t{kSlotsMin}),
                                    capacity_);
  }
  if (slots > kSlotsMax || !arena_.resize(slots * entry_bytes_)) return false;
  slots_ = static_cast<std::uint32_t>(slots);
  return true;
}

void RowCache::trim_arena() {
  const std::uint32_t slots = std::max(entries_, capacity_);
  if (slots_ <= slots) return;
  if (arena_.resize(slots * entry_bytes_)) slots_ = slots;
}

}  // namespace mneme
