// SPDX-License-Identifier: Apache-2.0
// Which n-grams the device holds: names and places only, decided before a step for all of its
// look-ups. The rows lie in the device's memory, entry by entry; table_decode (gpu/op.h) reads and
// fills them as it is told here. The policy is the row cache's: a small queue (10 %) tries whatever
// comes, which costs nothing, since the rows are on the device for this step anyway; what is asked
// for again moves to the main queue; ghosts remember who left too early. O(1) a look-up, without
// allocation once Step objects are warm. One thread, but for stats() and clear().
//
// Steps run in the order in which they were planned. One may be planned before the one before it
// has run: what that one keeps counts as held, and is overwritten only after it was read.
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

class DeviceSlots {
 public:
  static constexpr std::uint32_t kEntriesMax = 1u << 28;

  explicit DeviceSlots(std::uint32_t entries);  // 1..kEntriesMax
  DeviceSlots(const DeviceSlots&) = delete;
  DeviceSlots& operator=(const DeviceSlots&) = delete;

  // What becomes of one look-up.
  struct Place {
    std::int32_t from = 0;   // from >= 0: the rows of missing()[from]; else those of entry ~from
    std::int32_t keep = -1;  // entry that has these rows from this step on; -1 = none
    bool brings = false;     // the first of the step to ask for missing()[from]
  };

  // What was decided for one step. Reused from step to step; the slots outlive it.
  class Step {
   public:
    Step() = default;
    ~Step() { forget(); }
    Step(const Step&) = delete;
    Step& operator=(const Step&) = delete;

    std::span<const Place> places() const { return places_; }       // [look-ups]
    std::span<const NgramKey> missing() const { return missing_; }  // to bring, no two the same
    // The look-ups that bring nothing: of what is held, and of what is missing once more.
    std::span<const NgramKey> answered() const { return answered_; }

    // The step has run: what it was to keep is there.
    void done();
    // It has not, or ended early: what it was to keep is not held, and neither can a step run that
    // was planned meanwhile. Also what happens when this object is planned anew or goes away.
    void forget();

   private:
    friend class DeviceSlots;

    DeviceSlots* slots_ = nullptr;  // null: it is done, or forgotten
    std::uint64_t number_ = 0;
    std::vector<Place> places_;
    std::vector<NgramKey> missing_, answered_;
    std::vector<std::int32_t> kept_;    // [missing]: the entry, -1 = none
    std::vector<std::uint32_t> index_;  // of missing_ by hash: number + 1, 0 = free
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
    std::uint64_t born = 0;  // the step that was to bring it
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
  std::size_t find(const NgramKey& key, std::uint64_t hash) const;  // place in the index
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
  OneWriter<std::uint64_t> held_, evictions_;
  std::atomic<bool> clear_ = false;
};

}  // namespace mneme
