// SPDX-License-Identifier: Apache-2.0
// The RAM tier: an arena of entries of one size, under a byte budget that counts payload and
// metadata. An entry is an n-gram with the rows of all heads and all Engram layers. The eviction
// policy is S3-FIFO: new n-grams enter a small queue (10 %), those with two more hits move to the
// main queue, and a ghost queue remembers n-grams that left the small queue. Two things differ from
// the paper, and are better or equal on every text measured (bench/README.md): one more hit is
// enough while the main queue has room, as it has for long in a large cache; and the ghost queue
// reaches back by twice the cache's entries. Pinned entries are never evicted: they may exceed the
// budget, by at most what the live tickets hold. Owned by TableStore. Any thread.
//
// A hit takes no lock: acquire(), read the rows, release(). All that moves n-grams takes the one
// lock inside, for a bounded step at a time. Why that is right:
// - The arena and the index never move and stay readable, so a search may follow any slot number
//   that it finds. At worst it strays into another chain and finds nothing; find_or_insert(), which
//   the caller calls next, searches again under the lock, so no row is read twice.
// - An entry's state is one word: valid, forgotten, and the number of pins. A pin is taken by
//   compare-and-swap from a valid word only; an entry is invalidated by compare-and-swap from
//   "valid, no pins" only. So a pinned entry is neither invalidated nor moved, and its key is
//   compared after the pin.
// - Key and rows are written while the entry is invalid, or by the reads that pin it (see
//   arrived()). publish() stores the word with release order, and so does each layer's count of
//   arrivals: a thread that acquires these sees key and rows.
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <span>
#include <vector>

#include "base/result.h"
#include "base/round_up.h"
#include "engram/cache_segment.h"
#include "engram/ngram_key.h"
#include "engram/row_cache_ghosts.h"
#include "engram/row_cache_pages.h"

namespace mneme {

class RowCache {
 public:
  // A reference to an entry, which is neither evicted nor moved until its last release().
  enum class Pin : std::uint32_t {};
  static constexpr Pin kNoPin{0xFFFFFFFFu};

  // The rows of one Engram layer in an entry.
  struct Layer {
    std::uint32_t bytes = 0;
    std::uint32_t arrivals = 0;  // that fill it: its rows, or their parts
  };

  explicit RowCache(std::span<const Layer> layers);
  RowCache(const RowCache&) = delete;
  RowCache& operator=(const RowCache&) = delete;

  // After a budget was set and before the first entry: rows come to lie on this NUMA node. Errors:
  // those of place_on_node.
  Status place(int numa_node);

  // Before it returns it evicts entries that are over the budget and not pinned, step by step: a
  // miss waits for one step. Forgets the ghosts. Errors: out_of_memory, the old budget stays.
  Status set_budget(std::uint64_t bytes);

  // ---- hits ----

  // Prefetches what acquire() will read into the processor's cache. Hashes are NgramKeyHash's.
  void look_ahead(std::span<const std::uint64_t> hashes) const;

  // A hit: the entry, pinned once more; kNoPin if the n-gram is not there, or is being moved.
  Pin acquire(const NgramKey& key, std::uint64_t hash);
  void acquire_again(Pin pin);  // an entry that the caller has pinned; not a hit
  void release(Pin pin);

  // True once every arrival of the layer has come; the rows may then be read, unless one failed.
  bool complete(Pin pin, std::size_t layer) const;
  bool failed(Pin pin, std::size_t layer) const;
  std::uint32_t latency_us(Pin pin, std::size_t layer) const;  // of the slowest arrival
  std::span<std::byte> bytes(Pin pin, std::size_t layer);
  std::span<const std::byte> rows(Pin pin) const;  // of all layers
  std::uint32_t& owner(Pin pin);                   // a mark of the one thread that pins for tickets

  // ---- misses ----

  // The n-gram's entry, pinned once more, or a new one: pinned once for the caller and once for
  // each layer until it is complete, its payload not cleared. kNoPin: the system has no memory.
  struct FoundEntry {
    Pin pin = kNoPin;
    bool fresh = false;
  };
  FoundEntry find_or_insert(const NgramKey& key, std::uint64_t hash);

  // Asks arrived() to report when the layer is complete. False: it is already, or was asked.
  bool await(Pin pin, std::size_t layer);
  // Takes that back. False: it was not asked, or arrived() reports it, or has.
  bool stop_awaiting(Pin pin, std::size_t layer);

  // Notes arrivals of a fresh entry's layer. True: these were the last, and someone awaits it.
  bool arrived(Pin pin, std::size_t layer, std::uint32_t latency_us, std::uint32_t arrivals = 1);

  // Before the arrival that fails: the n-gram is not there any more, the entry goes with its last
  // pin, and keeps the first error until then.
  void fail(Pin pin, std::size_t layer, const Error& error);
  Error failure(Pin pin) const;

  // ---- from time to time ----

  bool ready(const NgramKey& key) const;  // there with all layers; no hit is counted

  // Inserts an n-gram with its rows, not pinned, as the oldest of its queue. False where it is
  // cached already, or there is no room: no other n-gram is evicted for it. Of segment `kept` it is
  // kept again, as far as the budget allows.
  bool restore(const NgramKey& key, CacheSegment segment, std::span<const std::byte> rows);

  // For a copy of all that is ready: entries are numbered 0..numbers()-1, some of them empty.
  struct CachedEntry {
    Pin pin = kNoPin;  // the caller's; kNoPin: nothing there, or not complete
    NgramKey key;
    CacheSegment segment = CacheSegment::seldom;
  };
  CachedEntry acquire_entry(std::uint64_t number);
  std::uint64_t numbers() const;

  // The keys of the complete entries among some from number `first` on: a list of all, slice by
  // slice. An entry that is moved meanwhile may be missed or come twice.
  NgramSlice list(std::uint64_t first, std::span<NgramKey> out) const;

  // Forgets all that is not pinned, also what is kept, and gives its memory back; the number of
  // n-grams. Those that come meanwhile may stay.
  std::uint64_t drop();

  // Keeps the `most` n-grams that were hit most since they came: nothing evicts them, until this is
  // said again. At most half of the budget, and only what was hit at all; the number that is kept.
  std::uint64_t keep_most_used(std::uint64_t most);

  std::size_t layers() const { return layers_.size(); }
  // These never wait: they give the values of when the lock was last released.
  std::uint64_t entries() const { return counters_.entries; }
  std::uint64_t evictions() const { return counters_.evictions; }
  std::uint64_t kept() const { return counters_.kept; }
  std::uint64_t budget_bytes() const { return counters_.budget_bytes; }
  std::uint64_t bytes_used() const { return entries() * entry_cost(); }
  std::uint32_t rows_bytes() const { return rows_bytes_; }  // of an entry, all layers
  std::uint64_t entry_cost() const;  // bytes of payload and metadata, shares of index and ghosts

 private:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = 0xFFFFFFFFu;
  static constexpr std::uint32_t kSlotsMin = 64;  // that the arena and the index start with
  static constexpr std::uint32_t kSlotsMax = 0xFFFFFFF0u;
  enum class QueueName : std::uint8_t { none, small, main, kept, free };
  // Functions that go through all entries take the lock for so many at a time: a miss waits for one
  // step.
  static constexpr std::uint32_t kStep = 64;

  // Holds the one lock; updates counters_, which are read without it, before it unlocks.
  class Lock {
   public:
    explicit Lock(const RowCache& cache);
    ~Lock();
    Lock(const Lock&) = delete;
    Lock& operator=(const Lock&) = delete;

   private:
    const RowCache& cache_;
  };
  void give_way() const;  // between two steps, without the lock: to those who wait for it

  struct Counters {
    std::atomic<std::uint64_t> entries = 0;
    std::atomic<std::uint64_t> evictions = 0;
    std::atomic<std::uint64_t> kept = 0;
    std::atomic<std::uint64_t> budget_bytes = 0;
  };

  // In front of every entry's layer states and rows. Pages of zeros are invalid entries.
  struct Header {
    NgramKey key;
    std::uint32_t state;  // atomic: kValid, kForgotten, pins
    std::uint32_t print;  // atomic: of the key's hash
    std::uint32_t chain;  // atomic: next of the same index bucket + 1, 0 = none
    Slot newer, older;    // neighbours in the queue; under the lock
    std::uint32_t owner;
    std::uint16_t hits;  // atomic: since it came, at most 65,535
    std::uint8_t uses;   // atomic: hits since it was queued, at most 3
    QueueName queue;     // under the lock
  };
  static constexpr std::size_t kHeaderBytes = round_up(sizeof(Header), 8);
  struct LayerState {
    std::uint32_t pending;     // atomic: arrivals still to come, kAwaited, kFailed
    std::uint32_t latency_us;  // atomic
  };
  struct Queue {
    Slot newest = kNone;
    Slot oldest = kNone;
    std::uint32_t size = 0;
  };

  std::uint32_t& bucket(std::uint64_t hash) const;
  bool has_index() const;
  Header& header(Slot slot) const;
  LayerState* layer_states(Slot slot) const;
  LayerState& layer_state(Pin pin, std::size_t layer) const;
  bool try_pin(Slot slot) const;
  bool try_invalidate(Slot slot) const;
  bool all_complete(Slot slot) const;
  static void note_use(Header& entry);

  template <typename Visit>
  void each(Visit visit);  // of the entries that are there, under the lock, which it takes in steps

  // Under the lock.
  Slot find(const NgramKey& key, std::uint64_t hash) const;
  void index_add(Slot slot);
  std::uint32_t& index_link(Slot slot) const;
  void begin_index(std::uint32_t buckets);
  bool move_index();

  bool is_there(Slot slot) const;  // valid and in the index
  Queue& queue(QueueName name);
  void enqueue(Slot slot, QueueName name);
  void enqueue_oldest(Slot slot, QueueName name);
  void dequeue(Slot slot);
  void add_free(Slot slot);

  std::uint32_t kept_max() const { return capacity_ / 2; }
  // Entries that the small and the main queue share: all but the kept ones.
  std::uint32_t contested() const { return capacity_ - std::min(capacity_, kept_.size); }
  void stop_keeping(Slot slot);
  bool evict_one();
  bool evict_from_small();
  bool evict_from_main();
  void remove(Slot slot);
  void free_invalidated(Slot slot);
  bool reserve(std::uint32_t capacity);
  void sort_free();
  void drop_slots(Slot first, Slot end);
  bool make_room();
  Slot new_slot(const NgramKey& key, std::uint64_t hash);
  void publish(Slot slot, std::uint32_t pins);
  bool relocate(Slot from, Slot to);
  bool shrink_to_budget();

  const std::vector<Layer> layers_;
  std::vector<std::size_t> layer_offset_;  // of a layer's rows in an entry, bytes
  std::uint32_t rows_bytes_ = 0;
  std::size_t entry_bytes_ = 0;  // header, layer states and rows, rounded to 8

  Pages arena_;  // entries, by slot
  // Two tables of buckets. One is in use; while the number of buckets changes, chains move to the
  // other one in the order of the hashes' upper halves.
  std::array<Pages, 2> index_;  // [buckets_] atomic: Slot + 1, 0 = empty
  std::array<std::atomic<std::uint32_t>, 2> buckets_ = {0, 0};  // 0: it was never used
  // Bit 0: the table in use. The rest: chains of hashes whose upper half is below it have moved.
  std::atomic<std::uint64_t> index_state_ = 0;
  std::atomic<bool> over_budget_ = false;  // beyond the budget, or nothing to evict
  mutable Counters counters_;
  mutable std::atomic<std::uint32_t> waiting_ = 0;  // for mutex_

  std::mutex budget_mutex_;   // one set_budget() at a time; locked before mutex_
  mutable std::mutex mutex_;  // guards all members below
  std::uint32_t slots_ = 0;   // the arena has room for
  std::uint32_t used_ = 0;    // slots that are an entry or in free_
  std::uint32_t entries_ = 0;
  std::uint32_t capacity_ = 0;  // entries the budget allows
  Queue small_;
  Queue main_;
  Queue kept_;  // by wish: never evicted
  Queue free_;  // those below capacity_ are the newest
  GhostList ghosts_;
  bool all_pinned_ = false;  // an eviction found nothing, and no pin was given back since
  std::uint64_t evictions_ = 0;
  std::uint64_t budget_bytes_ = 0;
  std::map<Slot, Error> failures_;  // of entries that are forgotten but still pinned
};

}  // namespace mneme
