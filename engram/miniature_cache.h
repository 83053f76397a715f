// SPDX-License-Identifier: Apache-2.0
// The row cache's policy without rows: a few thousand 32-bit fingerprints in S3-FIFO queues, small
// enough for the processor's own caches. HitCurve runs one for each budget that it predicts. One
// thread.
#pragma once

#include <cstdint>
#include <vector>

#include "engram/row_cache_ghosts.h"

namespace mneme {

class MiniatureCache {
 public:
  static constexpr std::uint32_t kEntriesMax = 1u << 15;

  explicit MiniatureCache(std::uint32_t entries);  // 1..kEntriesMax

  // `hash` is well mixed in all its bits. True: a hit; a miss inserts it.
  bool access(std::uint64_t hash);

 private:
  using Slot = std::uint16_t;
  struct Entry {
    std::uint32_t print = 0;
    std::uint8_t uses = 0;  // hits since it was queued, at most 3
  };
  // A ring of slots; both queues have room for every entry.
  struct Queue {
    std::vector<Slot> slots;
    std::uint32_t first = 0;
    std::uint32_t size = 0;
    void push(Slot slot);
    Slot pop();
  };

  std::uint32_t home(std::uint32_t print) const;
  std::uint32_t find(std::uint32_t print) const;  // position in index_; free where it is not there
  void forget(std::uint32_t print);
  Slot evict();

  std::vector<Entry> entries_;
  std::vector<Slot> index_;  // slot + 1, 0 = free; a power of two, at most half full
  std::uint32_t used_ = 0;
  Queue small_, main_;
  GhostList ghosts_;
};

}  // namespace mneme
