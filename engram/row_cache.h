// SPDX-License-Identifier: Apache-2.0
// The RAM tier: one arena of equal entries, one entry an n-gram with all heads of all Engram
// layers, under a byte budget that counts payload and metadata. Which n-gram leaves is S3-FIFO's
// choice: a small queue (10 %) tries newcomers, those asked for again move to the main queue, and
// a ghost queue remembers who left too early. Pinned entries never leave: they may exceed the
// budget, by at most what the live tickets hold. Owned by TableStore, which locks; one thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "engram/ngram_key.h"
#include "engram/row_cache_ghosts.h"
#include "engram/row_cache_pages.h"
#include "inference/base/result.h"

namespace mneme {

class RowCache {
 public:
  // A hold on an entry, valid until its last unpin(). Entries move in the arena, pins do not.
  enum class Pin : std::uint32_t {};
  static constexpr Pin kNoPin{0xFFFFFFFFu};

  enum class LayerPhase : std::uint8_t { reading, ready, failed };

  // The rows of one layer of one entry.
  struct LayerState {
    std::uint32_t latency_us = 0;  // of the slowest read that brought them
    std::uint16_t pending = 0;     // rows still to come
    LayerPhase phase = LayerPhase::reading;
    bool awaited = false;  // the engine waits for it now
  };

  explicit RowCache(std::span<const std::uint32_t> layer_bytes);  // of an entry's rows, per layer
  RowCache(const RowCache&) = delete;
  RowCache& operator=(const RowCache&) = delete;

  // Evicts at once what is over it and not pinned; forgets the ghosts. Errors: out_of_memory, the
  // old budget stays.
  Status set_budget(std::uint64_t bytes);

  bool ready(const NgramKey& key) const;  // there with all layers; no hit is counted

  // A hit: the entry, pinned once more; kNoPin if the n-gram is not there.
  Pin pin(const NgramKey& key);

  // A new entry with every layer `reading`, pinned once; its payload is not cleared. The n-gram
  // must not be there. kNoPin: the system has no memory left.
  Pin insert(const NgramKey& key);

  // Brings back an n-gram that was in RAM before, ready and not pinned, as the oldest of its queue;
  // the caller fills its rows. Empty where it is there already, or there is no room: nothing is
  // evicted for it.
  std::span<std::byte> restore(const NgramKey& key, bool often_used);

  // For a copy of all that is ready: entries are numbered 0..entries()-1, until the next change.
  struct Kept {
    NgramKey key;
    bool often_used = false;
    bool ready = false;               // only then the rows are there
    std::span<const std::byte> rows;  // of all layers
  };
  Kept kept(std::uint64_t number) const;

  void add_pin(Pin pin);
  bool unpin(Pin pin);   // true: that was the last pin, and `pin` is no longer valid
  void forget(Pin pin);  // the n-gram is not there any more; the entry goes with its last pin

  std::span<std::byte> bytes(Pin pin, std::size_t layer);
  LayerState& layer(Pin pin, std::size_t layer);
  std::uint32_t& owner(Pin pin);  // the store's own mark

  std::size_t layers() const { return layer_bytes_.size(); }
  std::uint64_t entries() const { return entries_; }
  std::uint64_t evictions() const { return evictions_; }
  std::uint64_t budget_bytes() const { return budget_bytes_; }
  std::uint64_t bytes_used() const { return entries_ * entry_cost(); }
  std::uint32_t rows_bytes() const { return rows_bytes_; }  // of an entry, all layers
  std::uint64_t entry_cost() const;  // bytes of payload and metadata, shares of index and ghosts

 private:
  using Slot = std::uint32_t;
  static constexpr Slot kNone = 0xFFFFFFFFu;
  enum class QueueName : std::uint8_t { none, small, main };

  // In front of every entry's layer states and rows.
  struct Header {
    NgramKey key;
    Pin pin;  // kNoPin when not pinned
    std::uint32_t pins;
    Slot newer, older;  // neighbours in the queue
    Slot chain;         // next of the same index bucket
    std::uint32_t owner;
    std::uint8_t uses;  // hits since it was queued, at most 3
    QueueName queue;
    bool indexed;  // false after forget()
  };
  struct Queue {
    Slot newest = kNone;
    Slot oldest = kNone;
    std::uint32_t size = 0;
  };

  Header& header(Slot slot) const;
  LayerState* layers(Slot slot) const;
  Slot slot_of(Pin pin) const;
  Pin hold(Slot slot);

  Slot* bucket(const NgramKey& key) const;
  Slot find(const NgramKey& key) const;
  void index_add(Slot slot);
  void index_remove(Slot slot);

  Queue& queue(QueueName name) { return name == QueueName::main ? main_ : small_; }
  void enqueue(Slot slot, QueueName name);
  void enqueue_oldest(Slot slot, QueueName name);
  void dequeue(Slot slot);

  bool evict_one();
  bool evict_from_small();
  bool evict_from_main();
  void evict_over_budget();
  void remove(Slot slot);
  void relocate(Slot from, Slot to);
  bool make_room();
  Slot new_slot(const NgramKey& key);
  void trim_arena();

  std::vector<std::size_t> layer_offset_;  // of a layer's rows in an entry, bytes
  std::vector<std::uint32_t> layer_bytes_;
  std::uint32_t rows_bytes_ = 0;
  std::size_t entry_bytes_ = 0;  // header, layer states and rows, rounded to 8

  Pages arena_;              // entries 0..entries_-1, without holes
  std::uint32_t slots_ = 0;  // entries the arena has room for
  std::uint32_t entries_ = 0;
  std::uint32_t capacity_ = 0;  // entries the budget allows
  Pages index_;                 // [buckets_] Slot + 1, 0 = empty
  std::uint64_t buckets_ = 0;

  Queue small_;
  Queue main_;
  GhostList ghosts_;
  std::uint32_t unpinned_ = 0;
  std::uint64_t evictions_ = 0;
  std::uint64_t budget_bytes_ = 0;

  std::vector<Slot> pin_slots_;  // pin -> slot; as many as were ever held at once
  std::vector<std::uint32_t> free_pins_;
};

}  // namespace mneme
