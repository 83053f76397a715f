// SPDX-License-Identifier: Apache-2.0
#include "engram/row_cache.h"

#include <algorithm>
#include <cstring>
#include <thread>

#include "base/check.h"
#include "engram/cache_policy.h"

namespace mneme {
namespace {

constexpr int kStepsMax = 64;  // of a search that may have strayed; chains are shorter

// An entry's state.
constexpr std::uint32_t kValid = 1u << 31;
constexpr std::uint32_t kForgotten = 1u << 30;
constexpr std::uint32_t kPins = kForgotten - 1;

// A layer's pending arrivals.
constexpr std::uint32_t kAwaited = 1u << 31;
constexpr std::uint32_t kFailed = 1u << 30;
constexpr std::uint32_t kCount = kFailed - 1;

constexpr auto kRelaxed = std::memory_order_relaxed;
constexpr auto kAcquire = std::memory_order_acquire;
constexpr auto kRelease = std::memory_order_release;
constexpr auto kAcqRel = std::memory_order_acq_rel;

// Entries lie in memory that comes from the system as zeros, where no constructor runs.
template <typename T>
std::atomic_ref<T> atomic(T& value) {
  return std::atomic_ref<T>(value);
}

std::uint32_t print_of(std::uint64_t hash) {
  return static_cast<std::uint32_t>(hash);  // the upper half chooses the bucket
}

// Two threads that note a use at once may count it once: both numbers only order entries.
template <typename T>
void count_up(T& number, T most) {
  const T before = atomic(number).load(kRelaxed);
  if (before < most) atomic(number).store(static_cast<T>(before + 1), kRelaxed);
}

}  // namespace

RowCache::RowCache(std::span<const Layer> layers) : layers_(layers.begin(), layers.end()) {
  CHECK(!layers_.empty());
  std::size_t size = kHeaderBytes + layers_.size() * sizeof(LayerState);
  for (const Layer& layer : layers_) {
    CHECK(layer.arrivals <= kCount);
    layer_offset_.push_back(size);
    size += layer.bytes;
    rows_bytes_ += layer.bytes;
  }
  entry_bytes_ = round_up(size, 8);
}

std::uint64_t RowCache::entry_cost() const {
  return entry_bytes_ + sizeof(Slot) + kGhostsPerEntry * GhostList::kBytesPerEntry;
}

// ---- the lock ----------------------------------------------------------------------------------

RowCache::Lock::Lock(const RowCache& cache) : cache_(cache) {
  ++cache_.waiting_;
  cache_.mutex_.lock();
  --cache_.waiting_;
}

RowCache::Lock::~Lock() {
  Counters& counters = cache_.counters_;
  counters.entries.store(cache_.entries_, kRelaxed);
  counters.evictions.store(cache_.evictions_, kRelaxed);
  counters.kept.store(cache_.kept_.size, kRelaxed);
  counters.budget_bytes.store(cache_.budget_bytes_, kRelaxed);
  cache_.mutex_.unlock();
}

// A mutex goes to the thread that comes first, which is the one that has just unlocked it. Other
// threads may always be waiting, so the number of turns is bounded.
void RowCache::give_way() const {
  constexpr int kTurns = 64;
  for (int i = 0; i < kTurns && waiting_.load(kRelaxed) > 0; ++i) std::this_thread::yield();
}

// ---- entries -----------------------------------------------------------------------------------

std::uint32_t& RowCache::bucket(std::uint64_t hash) const {
  const std::uint64_t upper = hash >> 32;
  const std::uint64_t state = index_state_.load(kAcquire);
  const bool moved = upper < (state >> 1);
  const std::size_t table = (state & 1) ^ static_cast<std::size_t>(moved);
  const std::uint64_t index = (upper * buckets_[table].load(kAcquire)) >> 32;
  return reinterpret_cast<std::uint32_t*>(index_[table].data())[index];
}

bool RowCache::has_index() const {
  return buckets_[index_state_.load(kAcquire) & 1].load(kAcquire) > 0;
}

RowCache::Header& RowCache::header(Slot slot) const {
  return *reinterpret_cast<Header*>(arena_.data() + std::size_t{slot} * entry_bytes_);
}

RowCache::LayerState* RowCache::layer_states(Slot slot) const {
  return reinterpret_cast<LayerState*>(arena_.data() + std::size_t{slot} * entry_bytes_ +
                                       kHeaderBytes);
}

RowCache::LayerState& RowCache::layer_state(Pin pin, std::size_t layer) const {
  DCHECK(layer < layers_.size());
  return layer_states(static_cast<Slot>(pin))[layer];
}

std::span<std::byte> RowCache::bytes(Pin pin, std::size_t layer) {
  std::byte* const entry = arena_.data() + static_cast<std::size_t>(pin) * entry_bytes_;
  return {entry + layer_offset_[layer], layers_[layer].bytes};
}

std::span<const std::byte> RowCache::rows(Pin pin) const {
  const std::byte* const entry = arena_.data() + static_cast<std::size_t>(pin) * entry_bytes_;
  return {entry + layer_offset_[0], rows_bytes_};
}

std::uint32_t& RowCache::owner(Pin pin) {
  return header(static_cast<Slot>(pin)).owner;
}

bool RowCache::complete(Pin pin, std::size_t layer) const {
  return (atomic(layer_state(pin, layer).pending).load(kAcquire) & kCount) == 0;
}

bool RowCache::failed(Pin pin, std::size_t layer) const {
  return (atomic(layer_state(pin, layer).pending).load(kAcquire) & kFailed) != 0;
}

std::uint32_t RowCache::latency_us(Pin pin, std::size_t layer) const {
  return atomic(layer_state(pin, layer).latency_us).load(kRelaxed);
}

bool RowCache::all_complete(Slot slot) const {
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    if (!complete(Pin{slot}, layer)) return false;
  }
  return true;
}

// ---- hits --------------------------------------------------------------------------------------

void RowCache::look_ahead(std::span<const std::uint64_t> hashes) const {
  if (!has_index()) return;
  for (const std::uint64_t hash : hashes) __builtin_prefetch(&bucket(hash));
  for (const std::uint64_t hash : hashes) {
    const std::uint32_t first = atomic(bucket(hash)).load(kAcquire);
    if (first == 0) continue;
    const std::byte* const entry = reinterpret_cast<const std::byte*>(&header(first - 1));
    __builtin_prefetch(entry);
    __builtin_prefetch(entry + 64);
  }
}

bool RowCache::try_pin(Slot slot) const {
  const auto state = atomic(header(slot).state);
  std::uint32_t seen = state.load(kRelaxed);
  while ((seen & (kValid | kForgotten)) == kValid) {
    if (state.compare_exchange_weak(seen, seen + 1, kAcquire, kRelaxed)) return true;
  }
  return false;
}

RowCache::Pin RowCache::acquire(const NgramKey& key, std::uint64_t hash) {
  if (!has_index()) return kNoPin;
  std::uint32_t next = atomic(bucket(hash)).load(kAcquire);
  for (int step = 0; next != 0 && step < kStepsMax; ++step) {
    const Slot slot = next - 1;
    Header& entry = header(slot);
    if (atomic(entry.print).load(kRelaxed) == print_of(hash) && try_pin(slot)) {
      if (entry.key == key) {
        note_use(entry);
        return Pin{slot};
      }
      release(Pin{slot});
    }
    next = atomic(entry.chain).load(kAcquire);
  }
  return kNoPin;
}

void RowCache::acquire_again(Pin pin) {
  const std::uint32_t before = atomic(header(static_cast<Slot>(pin)).state).fetch_add(1, kRelaxed);
  CHECK((before & kPins) > 0);
}

void RowCache::note_use(Header& entry) {
  count_up<std::uint8_t>(entry.uses, 3);
  count_up<std::uint16_t>(entry.hits, 0xFFFF);
}

void RowCache::release(Pin pin) {
  const auto slot = static_cast<Slot>(pin);
  // In one order with over_budget_: either shrink_to_budget() sees that the pin is gone, or we see
  // its flag.
  const std::uint32_t before = atomic(header(slot).state).fetch_sub(1);
  CHECK((before & kPins) > 0);
  if ((before & kPins) > 1) return;
  const bool forgotten = (before & kForgotten) != 0;
  if (!forgotten && !over_budget_.load()) return;
  const Lock lock(*this);
  if (forgotten) free_invalidated(slot);
  shrink_to_budget();
}

// ---- misses ------------------------------------------------------------------------------------

RowCache::FoundEntry RowCache::find_or_insert(const NgramKey& key, std::uint64_t hash) {
  const Lock lock(*this);
  if (const Slot slot = find(key, hash); slot != kNone) {
    CHECK(try_pin(slot));  // entries in the index are invalidated under the lock only
    note_use(header(slot));
    return {Pin{slot}, false};
  }
  for (std::uint32_t left = kStep; left > 0 && entries_ >= capacity_ && evict_one();) --left;
  if (free_.size == 0 && used_ == slots_ && !make_room() && !evict_one()) return {};
  const Slot slot = new_slot(key, hash);
  enqueue(slot, ghosts_.take(hash) ? QueueName::main : QueueName::small);
  std::uint32_t pins = 1;
  for (std::size_t layer = 0; layer < layers_.size(); ++layer) {
    layer_states(slot)[layer] = {layers_[layer].arrivals, 0};
    if (layers_[layer].arrivals > 0) ++pins;
  }
  publish(slot, pins);
  over_budget_ = used_ > capacity_ || all_pinned_;
  return {Pin{slot}, true};
}

bool RowCache::await(Pin pin, std::size_t layer) {
  const auto pending = atomic(layer_state(pin, layer).pending);
  std::uint32_t seen = pending.load(kRelaxed);
  while ((seen & kCount) != 0 && (seen & kAwaited) == 0) {
    if (pending.compare_exchange_weak(seen, seen | kAwaited, kRelaxed)) return true;
  }
  return false;
}

bool RowCache::stop_awaiting(Pin pin, std::size_t layer) {
  const auto pending = atomic(layer_state(pin, layer).pending);
  std::uint32_t seen = pending.load(kRelaxed);
  while ((seen & kCount) != 0 && (seen & kAwaited) != 0) {
    if (pending.compare_exchange_weak(seen, seen & ~kAwaited, kRelaxed)) return true;
  }
  return false;
}

bool RowCache::arrived(Pin pin, std::size_t layer, std::uint32_t latency_us,
                       std::uint32_t arrivals) {
  LayerState& state = layer_state(pin, layer);
  const auto slowest = atomic(state.latency_us);
  std::uint32_t seen = slowest.load(kRelaxed);
  while (seen < latency_us && !slowest.compare_exchange_weak(seen, latency_us, kRelaxed)) {
  }
  const std::uint32_t before = atomic(state.pending).fetch_sub(arrivals, kAcqRel);
  CHECK((before & kCount) >= arrivals);
  if ((before & kCount) > arrivals) return false;
  release(pin);
  return (before & kAwaited) != 0;
}

void RowCache::fail(Pin pin, std::size_t layer, const Error& error) {
  const auto slot = static_cast<Slot>(pin);
  const Lock lock(*this);
  atomic(layer_state(pin, layer).pending).fetch_or(kFailed, kRelaxed);
  failures_.emplace(slot, error);
  Header& entry = header(slot);
  if ((atomic(entry.state).fetch_or(kForgotten, kRelaxed) & kForgotten) != 0) return;
  atomic(index_link(slot)).store(atomic(entry.chain).load(kRelaxed), kRelease);
  dequeue(slot);
}

Error RowCache::failure(Pin pin) const {
  const Lock lock(*this);
  return failures_.at(static_cast<Slot>(pin));
}

RowCache::Slot RowCache::new_slot(const NgramKey& key, std::uint64_t hash) {
  Slot slot = free_.newest;
  if (slot == kNone) {
    slot = used_++;
  } else {
    dequeue(slot);
  }
  ++entries_;
  Header& entry = header(slot);
  entry.key = key;
  entry.owner = 0;
  atomic(entry.print).store(print_of(hash), kRelaxed);
  atomic(entry.uses).store(0, kRelaxed);
  atomic(entry.hits).store(0, kRelaxed);
  return slot;
}

void RowCache::publish(Slot slot, std::uint32_t pins) {
  atomic(header(slot).state).store(kValid | pins, kRelease);
  index_add(slot);
}

// ---- the index: hash chains through the headers -------------------------------------------------

RowCache::Slot RowCache::find(const NgramKey& key, std::uint64_t hash) const {
  if (!has_index()) return kNone;
  std::uint32_t next = atomic(bucket(hash)).load(kRelaxed);
  while (next != 0 && header(next - 1).key != key) {
    next = atomic(header(next - 1).chain).load(kRelaxed);
  }
  return next == 0 ? kNone : next - 1;
}

void RowCache::index_add(Slot slot) {
  Header& entry = header(slot);
  const auto first = atomic(bucket(NgramKeyHash{}(entry.key)));
  atomic(entry.chain).store(first.load(kRelaxed), kRelease);
  first.store(slot + 1, kRelease);
}

// The link of the index that holds the entry: its bucket, or the `chain` of the entry before it.
std::uint32_t& RowCache::index_link(Slot slot) const {
  std::uint32_t* link = &bucket(NgramKeyHash{}(header(slot).key));
  for (std::uint32_t next = 0; (next = atomic(*link).load(kRelaxed)) != slot + 1;) {
    CHECK(next != 0);
    link = &header(next - 1).chain;
  }
  return *link;
}

// ---- the queues --------------------------------------------------------------------------------

RowCache::Queue& RowCache::queue(QueueName name) {
  switch (name) {
    case QueueName::small:
      return small_;
    case QueueName::main:
      return main_;
    case QueueName::kept:
      return kept_;
    case QueueName::free:
      return free_;
    case QueueName::none:
      break;
  }
  CHECK(false);
}

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

// Those within the budget are taken first, so that the others fall out of use.
void RowCache::add_free(Slot slot) {
  if (slot < capacity_) {
    enqueue(slot, QueueName::free);
  } else {
    enqueue_oldest(slot, QueueName::free);
  }
}

bool RowCache::try_invalidate(Slot slot) const {
  std::uint32_t unpinned = kValid;
  return atomic(header(slot).state).compare_exchange_strong(unpinned, 0);
}

bool RowCache::evict_from_small() {
  for (std::uint32_t left = small_.size; left > 0; --left) {
    const Slot slot = small_.oldest;
    Header& entry = header(slot);
    const bool main_has_room = main_.size + small_share(contested()) < contested();
    if (atomic(entry.uses).load(kRelaxed) > (main_has_room ? 0 : 1)) {
      dequeue(slot);
      atomic(entry.uses).store(0, kRelaxed);
      enqueue(slot, QueueName::main);
    } else if (try_invalidate(slot)) {
      ghosts_.add(NgramKeyHash{}(entry.key));
      remove(slot);
      return true;
    } else {
      dequeue(slot);
      enqueue(slot, QueueName::small);
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
    const std::uint8_t uses = atomic(entry.uses).load(kRelaxed);
    if (uses == 0 && try_invalidate(slot)) {
      remove(slot);
      return true;
    }
    if (uses > 0) atomic(entry.uses).store(static_cast<std::uint8_t>(uses - 1), kRelaxed);
    dequeue(slot);
    enqueue(slot, QueueName::main);
  }
  return false;
}

bool RowCache::evict_one() {
  if (all_pinned_) return false;
  over_budget_ = true;  // before the first look at a pin
  const bool small_is_full = small_.size >= small_share(contested());
  // The last try finds what the small queue has just handed to the main one.
  const bool evicted = ((small_is_full || main_.size == 0) && evict_from_small()) ||
                       evict_from_main() || evict_from_small() || evict_from_main();
  if (evicted) ++evictions_;
  all_pinned_ = !evicted;
  return evicted;
}

// ---- the arena ---------------------------------------------------------------------------------

// Frees the slot of an invalidated entry, which is still in the index and in its queue.
void RowCache::remove(Slot slot) {
  atomic(index_link(slot)).store(atomic(header(slot).chain).load(kRelaxed), kRelease);
  dequeue(slot);
  add_free(slot);
  --entries_;
}

// Frees the slot of a forgotten entry; called by the thread that released its last pin.
void RowCache::free_invalidated(Slot slot) {
  atomic(header(slot).state).store(0, kRelease);
  failures_.erase(slot);
  add_free(slot);
  --entries_;
}

// Moves an entry into a free slot; false while it is pinned. `from` is in no queue afterwards.
bool RowCache::relocate(Slot from, Slot to) {
  if (!try_invalidate(from)) return false;
  dequeue(to);
  Header& old_entry = header(from);
  Header& entry = header(to);
  entry.key = old_entry.key;
  entry.owner = 0;
  entry.newer = old_entry.newer;
  entry.older = old_entry.older;
  entry.queue = old_entry.queue;
  atomic(entry.print).store(atomic(old_entry.print).load(kRelaxed), kRelaxed);
  atomic(entry.uses).store(atomic(old_entry.uses).load(kRelaxed), kRelaxed);
  atomic(entry.hits).store(atomic(old_entry.hits).load(kRelaxed), kRelaxed);
  atomic(entry.chain).store(atomic(old_entry.chain).load(kRelaxed), kRelease);
  std::memcpy(layer_states(to), layer_states(from), entry_bytes_ - kHeaderBytes);
  Queue& q = queue(entry.queue);
  (entry.newer == kNone ? q.newest : header(entry.newer).older) = to;
  (entry.older == kNone ? q.oldest : header(entry.older).newer) = to;
  old_entry.queue = QueueName::none;
  atomic(entry.state).store(kValid, kRelease);
  atomic(index_link(from)).store(to + 1, kRelease);
  return true;
}

bool RowCache::make_room() {
  // Doubles up to the budget; beyond it, for pinned entries only, in small steps.
  std::uint64_t slots = std::uint64_t{slots_} + std::max(kSlotsMin, slots_ / 8);
  if (slots_ < capacity_) {
    slots = std::min<std::uint64_t>(std::max(std::uint64_t{slots_} * 2, std::uint64_t{kSlotsMin}),
                                    capacity_);
  }
  if (slots > kSlotsMax || !arena_.commit(slots * entry_bytes_)) return false;
  slots_ = static_cast<std::uint32_t>(slots);
  return true;
}

}  // namespace mneme
