// SPDX-License-Identifier: Apache-2.0
// Which n-grams a device caches: keys and entry numbers only, decided before a step for all of its
// look-ups. The rows lie in the device's memory, entry by entry; table_decode (gpu/op.h) reads and
// writes these entries as decided here. The eviction policy is the row cache's: a small queue for
// new n-grams (10 %), a main queue for those with another hit, a ghost queue. Every new n-gram is
// cached, since its rows are on the device for this step anyway. O(1) a look-up, without allocation
// once Step objects have their size. One thread, but for stats() and clear().
//
// Steps run in the order in which they were planned. A step may be planned before the one before it
// has run: the n-grams that the earlier step caches then count as cached, and are overwritten only
// after they were read.
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

  explicit DeviceRowCachePolicy(std::uint32_t entries);  // 1..kEntriesMax
  DeviceRowCachePolicy(const DeviceRowCachePolicy&) = delete;
  DeviceRowCachePolicy& operator=(const DeviceRowCachePolicy&) = delete;

  // Where the rows of one look-up are.
  struct RowLocation {
    std::int32_t from = 0;   // from >= 0: the rows of misses()[from]; else those of entry ~from
    std::int32_t keep = -1;  // entry that has these rows from this step on; -1 = none
    bool is_miss = false;    // the first look-up of the step for misses()[from]
  };

  // What was decided for one step. Reused from step to step; the policy outlives it.
  class Step {
   public:
    Step() = default;
    ~Step() { forget(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

    std::span<const RowLocation> locations() const { return locations_; }  // [look-ups]
    // The rows to transfer; no n-gram twice.
    std::span<const NgramKey> misses() const { return misses_; }
    // The look-ups that need no transfer: cached ones, and repetitions of misses.
    std::span<const NgramKey> hits() const { return hits_; }

    // The step has run: the n-grams that it was to cache are cached.
    void done();
    // The step has not run, or ended early: the n-grams that it was to cache are not cached, and a
    // step that was planned meanwhile cannot run either. Called too when this object is planned
    // anew or destroyed.
    void forget();

   private:
    friend class DeviceRowCachePolicy;

    DeviceRowCachePolicy* policy_ = nullptr;  // null: the step is done, or forgotten
    std::uint64_t number_ = 0;
    std::vector<RowLocation> locations_;
    std::vector<NgramKey> misses_, hits_;
    std::vector<std::int32_t> kept_;    // [misses]: the entry, -1 = none
    std::vector<std::uint32_t> index_;  // of misses_ by hash: number + 1, 0 = free
  };

  // Decides for the look-ups of the next step. Nothing that they use is overwritten in it.
  void plan(std::span<const NgramKey> keys, Step& step);

  // ---- any thread ----
  struct Stats {
    std::uint64_t entries = 0;
    std::uint64_t entries_max = 0;
    std::uint64_t evictions = 0;
  };
  Stats stats() const;
  void clear() { clear_ = true; }  // before the next step is planned

 private:
  using Number = std::uint32_t;
  static constexpr Number kNone = 0xFFFFFFFFu;
  enum class QueueName : std::uint8_t { free, small, main };
  struct Entry {
    NgramKey key;
    std::uint64_t hash = 0;
    std::uint64_t born = 0;  // the step that was to cache it
    std::uint64_t used = 0;  // the last step that uses it
    Number newer = kNone, older = kNone;
    std::uint8_t uses = 0;  // since it was queued, at most 3
    QueueName queue = QueueName::free;
  };
  struct Queue {
    Number newest = kNone;
    Number oldest = kNone;
    std::uint32_t size = 0;
  };

  void use(Number number);
  std::int32_t keep(const NgramKey& key, std::uint64_t hash);
  void forget_all();

  std::size_t home(std::uint64_t hash) const { return (hash >> 32) & (index_.size() - 1); }
  std::size_t find(const NgramKey& key, std::uint64_t hash) const;  // position in index_
  void remove(Number number);
  Queue& queue(QueueName name);
  void enqueue(Number number, QueueName name);
  void dequeue(Number number);
  bool evict_one();
  bool evict_from_small();
  bool evict_from_main();
  void evict(Number number);

  std::vector<Entry> entries_;
  std::vector<std::uint32_t> index_;  // number + 1, 0 = free; a power of two, at most half full
  Queue free_, small_, main_;
  GhostList ghosts_;
  std::vector<std::uint64_t> hashes_;  // of the look-ups
  std::uint64_t step_ = 0;             // planned last
  std::uint64_t forgotten_ = 0;        // the last step that was; those from it on rely on it, until
  std::uint64_t good_from_ = 0;        // this one
  bool all_used_ = false;              // by the step: there is nothing left to evict
  OneWriter<std::uint64_t> cached_, evictions_;
  std::atomic<bool> clear_ = false;
};

}  // namespace mneme
