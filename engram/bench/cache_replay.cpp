// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/cache_replay.h"

#include "base/check.h"
#include "engram/bench/thread_seconds.h"

namespace mneme {

std::uint64_t cache_entry_bytes(const NgramHasher& hasher, std::uint32_t row_bytes) {
  const RowCache::Layer layer{row_bytes * static_cast<std::uint32_t>(hasher.spec().head_count)};
  return RowCache(std::vector(hasher.spec().layers.size(), layer)).entry_cost();
}

CacheReplay::CacheReplay(const KeyStream& stream, const NgramHasher& hasher,
                         std::uint32_t row_bytes, std::uint64_t budget)
    : stream_(stream),
      cache_(std::vector<RowCache::Layer>(hasher.spec().layers.size())),
      pins_(stream.orders()),
      hashes_(stream.orders()) {
  const std::uint64_t entries = budget / cache_entry_bytes(hasher, row_bytes);
  CHECK(cache_.set_budget(entries * cache_.entry_cost()));
}

std::uint64_t CacheReplay::look_up(std::size_t token, std::vector<bool>* missed) {
  const std::size_t orders = stream_.orders();
  const std::uint32_t* const accesses = stream_.accesses.data() + token * orders;
  for (std::size_t i = 0; i < orders; ++i) {
    const NgramKey& key = stream_.keys[accesses[i]];
    hashes_[i] = NgramKeyHash{}(key);
    pins_[i] = cache_.acquire(key, hashes_[i]);
  }
  std::uint64_t hits = 0;
  for (std::size_t i = 0; i < orders; ++i) {
    if (pins_[i] != RowCache::kNoPin) {
      ++hits;
    } else {
      if (missed != nullptr) (*missed)[token * orders + i] = true;
      pins_[i] = cache_.find_or_insert(stream_.keys[accesses[i]], hashes_[i]).pin;
      CHECK(pins_[i] != RowCache::kNoPin);
    }
  }
  for (const RowCache::Pin pin : pins_) cache_.release(pin);
  return hits;
}

void CacheReplay::restore_from(CacheReplay& other) {
  for (const CacheSegment segment : kCacheSegments) {
    for (std::uint64_t i = 0; i < other.cache_.numbers(); ++i) {
      const RowCache::CachedEntry entry = other.cache_.acquire_entry(i);
      if (entry.pin == RowCache::kNoPin) continue;
      if (entry.segment == segment) cache_.restore(entry.key, segment, {});
      other.cache_.release(entry.pin);
    }
  }
}

CacheReplayResult replay_cache(const KeyStream& stream, const NgramHasher& hasher,
                               std::uint32_t row_bytes, std::uint64_t budget,
                               std::vector<bool>* missed) {
  CHECK(stream.tokens > 1);
  CacheReplay cache(stream, hasher, row_bytes, budget);
  const std::size_t half = stream.tokens / 2;
  std::uint64_t hits = 0;
  const double start = thread_seconds();
  for (std::size_t token = 0; token < stream.tokens; ++token) {
    const std::uint64_t of_token = cache.look_up(token, missed);
    if (token >= half) hits += of_token;
  }
  const double seconds = thread_seconds() - start;
  const auto counted = static_cast<double>((stream.tokens - half) * stream.orders());
  const auto rows =
      static_cast<double>(hasher.spec().head_count) * static_cast<double>(hasher.spec().layers.size());
  CacheReplayResult result;
  result.hit_rate = static_cast<double>(hits) / counted;
  result.reads_per_token = (1 - result.hit_rate) * rows * static_cast<double>(stream.orders());
  result.ns_per_ngram = seconds * 1e9 / static_cast<double>(stream.accesses.size());
  return result;
}

}  // namespace mneme
