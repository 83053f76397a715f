// SPDX-License-Identifier: Apache-2.0
// Replays a stream of n-grams through the row cache, without a drive and without rows: the hit rate
// and the reads a token depend on nothing but the stream and the budget. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "engram/bench/key_stream.h"
#include "engram/ngram_hasher.h"
#include "engram/row_cache.h"

namespace mneme {

// What an entry (all rows of an n-gram, and its metadata) takes of a cache's budget.
std::uint64_t cache_entry_bytes(const NgramHasher& hasher, std::uint32_t row_bytes);

// The row cache, asked as the table store asks it: all n-grams of a token are looked up first, then
// the missing ones are inserted, and all are released when the token is done.
class CacheReplay {
 public:
  // `stream` outlives this object. Entries carry no rows, so the budget is scaled to hold as many
  // of them as it would hold with rows.
  CacheReplay(const KeyStream& stream, const NgramHasher& hasher, std::uint32_t row_bytes,
              std::uint64_t budget);

  // How many of the token's n-grams were in the cache. `missed` [accesses of the stream] is set
  // for those that were not.
  std::uint64_t look_up(std::size_t token, std::vector<bool>* missed = nullptr);

  // Takes over the entries of `other`, as a start takes those of a saved hot set.
  void restore_from(CacheReplay& other);

 private:
  const KeyStream& stream_;
  RowCache cache_;
  std::vector<RowCache::Pin> pins_;    // [orders]
  std::vector<std::uint64_t> hashes_;  // [orders]
};

struct CacheReplayResult {
  double hit_rate = 0;         // of n-grams, in the second half of the stream; the first fills the cache
  double reads_per_token = 0;  // requests to the drive, one for each row
  double ns_per_ngram = 0;     // processor time of look-up, insertion and eviction, without rows
};

// The whole stream through a cache of `budget` bytes. `missed`: as of look_up().
CacheReplayResult replay_cache(const KeyStream& stream, const NgramHasher& hasher,
                               std::uint32_t row_bytes, std::uint64_t budget,
                               std::vector<bool>* missed = nullptr);

}  // namespace mneme
