// SPDX-License-Identifier: Apache-2.0
// Decides which n-grams a device caches, and in which entry of its memory. This class has keys and
// entry numbers only: the rows lie in the device's memory, and table_decode (gpu/op.h) reads and
// writes its entries as decided here. A step is one run of the model over some tokens; all of its
// look-ups are decided together, before it runs. The eviction policy is the row cache's
// (row_cache.h): a small queue for new n-grams (10 %), a main queue for those that were hit again,
// a ghost queue. Every new n-gram is cached, since its rows are on the device for this step anyway.
// A look-up is O(1), and allocates nothing once a Step has held as many. One thread, except stats()
// and clear().
//
// Steps run in the order in which they were planned. Step n + 1 may be planned before step n has
// run: n-grams that step n caches then count as cached, and an entry that step n uses may be given
// to another n-gram, since the device runs step n + 1 after it.
#pragma once

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engram/ngram_key.h"
#include "engram/one_writer.h"
#include "engram/row_cache_ghosts.h"

namespace mneme {

class DeviceRowCachePolicy {
 public:
  static constexpr std::uint32_t kEntriesMax = 1u << 28;

  // `entries`: n-grams that the device has room for, 1..kEntriesMax.
  explicit DeviceRowCachePolicy(std::uint32_t entries);
  DeviceRowCachePolicy(const DeviceRowCachePolicy&) = delete;
  DeviceRowCachePolicy& operator=(const DeviceRowCachePolicy&) = delete;

  // Where the rows of one look-up are. `from` and `keep` become those of RowLocation in gpu/op.h.
  struct RowLocation {
    std::int32_t from = 0;   // >= 0: the transferred rows of misses()[from]; else entry ~from
    std::int32_t keep = -1;  // the entry that these rows are written to; -1 = none
    bool is_miss = false;    // the first look-up of the step for misses()[from]
  };

  // The plan of one step. An object may be planned again and again; the policy outlives it.
  class Step {
   public:
    Step() = default;
    ~Step() { forget(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

    std::span<const RowLocation> locations() const { return locations_; }  // [look-ups]
    // The n-grams whose rows must be transferred to the device, each once.
    std::span<const NgramKey> misses() const { return misses_; }
    // The look-ups that need no transfer: of cached n-grams, and of a miss once more.
    std::span<const NgramKey> hits() const { return hits_; }

    // To call when the step has run: the n-grams that it was to cache are cached.
    void done();
    // To call when the step has not run, or ended early: the n-grams that it was to cache are not
    // cached. A step that was planned meanwhile may count on them, so it must be forgotten too (its
    // done() would fail a CHECK). plan() and the destructor forget a step that is not done.
    void forget();

   private:
    friend class DeviceRowCachePolicy;

    DeviceRowCachePolicy* policy_ = nullptr;  // null: not planned, done or forgotten
    std::uint64_t number_ = 0;                // steps are numbered from 1 on, as planned
    std::vector<RowLocation> locations_;
    std::vector<NgramKey> misses_, hits_;
    std::vector<std::int32_t> miss_entries_;  // [misses]: the entry that caches it, -1 = none
    // Finds a miss by its n-gram: a hash table of positions in misses_, each + 1; 0 = free.
    std::vector<std::uint32_t> miss_index_;
  };

  // Plans the next step for the look-ups `keys`. An entry that one of them uses is given to no
  // other n-gram in this step, so the step writes to no entry that it reads.
  void plan(std::span<const NgramKey> keys, Step& step);

  // ---- any thread ----
  struct Stats {
    std::uint64_t entries = 0;  // n-grams cached now
    std::uint64_t entries_max = 0;
    std::uint64_t evictions = 0;  // n-grams, so far
  };
  Stats stats() const;
  void clear() { clear_ = true; }  // uncaches all, when the next step is planned

 private:
  using EntryNumber = std::uint32_t;  // position in entries_ and in the device's memory
  static constexpr EntryNumber kNone = 0xFFFFFFFFu;
  static constexpr std::uint8_t kUsesMax = 3;
  enum class QueueName : std::uint8_t { free, small, main };
  struct Entry {
    NgramKey key;
    std::uint64_t hash = 0;
    std::uint64_t cached_by_step = 0;  // 0: no n-gram
    std::uint64_t last_used_step = 0;
    EntryNumber newer = kNone, older = kNone;  // neighbours in the queue
    // Hits since it came into its queue, at most kUsesMax; the main queue takes one away each time
    // that it spares the entry.
    std::uint8_t uses = 0;
    QueueName queue = QueueName::free;
  };
  struct Queue {
    EntryNumber newest = kNone;
    EntryNumber oldest = kNone;
    std::uint32_t size = 0;
  };

  void count_use(EntryNumber number);
  std::int32_t cache_ngram(const NgramKey& key, std::uint64_t hash);
  void remove_all();

  // Where a search for the hash begins in index_.
  std::size_t home(std::uint64_t hash) const { return (hash >> 32) & (index_.size() - 1); }
  // The n-gram's position in index_; where it is not cached, the free one that it would take.
  std::size_t find(const NgramKey& key, std::uint64_t hash) const;
  void remove(EntryNumber number);  // uncaches the n-gram: the entry is free
  Queue& queue(QueueName name);
  void enqueue(EntryNumber number, QueueName name);
  void dequeue(EntryNumber number);
  // The next three free one entry that the step being planned does not use; false: there is none.
  bool evict_one();
  bool evict_from_small();
  bool evict_from_main();
  void evict(EntryNumber number);

  std::vector<Entry> entries_;
  // A hash table of entry numbers, each + 1; 0 = free. A power of two, at most half full.
  std::vector<std::uint32_t> index_;
  Queue free_, small_, main_;
  GhostList ghosts_;
  std::vector<std::uint64_t> hashes_;  // [look-ups of the step being planned]
  std::uint64_t step_ = 0;             // number of the step planned last, or being planned
  // Steps from forgotten_step_ to before valid_from_step_ were planned on n-grams that the
  // forgotten step did not cache: they must not run.
  std::uint64_t forgotten_step_ = 0;
  std::uint64_t valid_from_step_ = 0;
  bool all_in_use_ = false;  // the step being planned uses every entry: nothing can be evicted
  OneWriter<std::uint64_t> cached_, evictions_;
  std::atomic<bool> clear_ = false;
};

}  // namespace mneme
