// SPDX-License-Identifier: Apache-2.0
// The row cache under all its threads at once: a hit takes no lock, so this is where a mistake
// would show (and the thread sanitizer looks).
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <deque>
#include <mutex>
#include <random>
#include <thread>
#include <vector>

#include "engram/row_cache.h"

namespace mneme {
namespace {

constexpr RowCache::Layer kRacedLayers[] = {{64, 2}, {40, 1}};
constexpr std::uint32_t kKeys = 400;

NgramKey raced_key(std::uint32_t n) {
  return {3, {static_cast<ClassId>(n), static_cast<ClassId>(n / 7), 1}};
}

std::byte raced_mark(std::uint32_t n) {
  return static_cast<std::byte>(n * 31 + 1);
}

bool has_mark(std::span<const std::byte> rows, std::uint32_t n) {
  return std::ranges::all_of(rows, [&](std::byte b) { return b == raced_mark(n); });
}

// Entries that wait for their rows; two threads bring them.
class Reads {
 public:
  struct Read {
    RowCache::Pin pin;
    std::uint32_t n;
    std::size_t layer;
    std::size_t first, count;  // bytes of the layer
    bool broken;
  };
  void add(const Read& read) {
    const std::lock_guard lock(mutex_);
    list_.push_back(read);
  }
  bool take(Read& read) {
    const std::lock_guard lock(mutex_);
    if (list_.empty()) return false;
    read = list_.front();
    list_.pop_front();
    return true;
  }

 private:
  std::mutex mutex_;
  std::deque<Read> list_;
};

TEST(RowCacheThreads, HitsAreRightWhileEntriesComeGoAndMove) {
  RowCache cache(kRacedLayers);
  ASSERT_TRUE(cache.set_budget(200 * cache.entry_cost()));
  Reads reads;
  std::atomic<bool> stop = false;
  std::atomic<std::uint64_t> reported = 0;
  std::vector<std::thread> threads;
  for (int i = 0; i < 2; ++i) {
    threads.emplace_back([&] {
      Reads::Read read;
      for (;;) {
        if (!reads.take(read)) {
          if (stop) return;
          std::this_thread::yield();
          continue;
        }
        const auto bytes = cache.bytes(read.pin, read.layer).subspan(read.first, read.count);
        std::ranges::fill(bytes, raced_mark(read.n));
        if (read.broken) cache.fail(read.pin, read.layer, Error{ErrorCode::io, "broken"});
        if (cache.arrived(read.pin, read.layer, 5)) ++reported;
      }
    });
  }
  threads.emplace_back([&] {
    std::mt19937_64 random(1);
    while (!stop) {
      ASSERT_TRUE(cache.set_budget(random() % 300 * cache.entry_cost()));
      std::this_thread::sleep_for(std::chrono::microseconds(200));
    }
  });
  threads.emplace_back([&] {
    std::mt19937_64 random(2);
    while (!stop) {
      const auto n = static_cast<std::uint32_t>(random() % kKeys);
      cache.restore(raced_key(n), kCacheSegments[n % 3],
                    std::vector<std::byte>(cache.rows_bytes(), raced_mark(n)));
      const RowCache::CachedEntry kept = cache.acquire_entry(random() % 300);
      if (kept.pin != RowCache::kNoPin) {
        EXPECT_TRUE(
            has_mark(cache.rows(kept.pin), static_cast<std::uint32_t>(kept.key.classes[0])));
        cache.release(kept.pin);
      }
      (void)cache.ready(raced_key(n));
      std::this_thread::yield();
    }
  });
  threads.emplace_back([&] {
    std::mt19937_64 random(4);
    std::vector<NgramKey> keys(50);
    while (!stop) {
      EXPECT_LE(cache.keep_most_used(random() % 100), 150u);
      for (std::uint64_t first = 0;;) {
        const NgramSlice slice = cache.list(first, keys);
        for (std::size_t i = 0; i < slice.count; ++i) EXPECT_EQ(keys[i].order, 3);
        if ((first = slice.next) == 0) break;
      }
      if (random() % 8 == 0) cache.drop();
      std::this_thread::sleep_for(std::chrono::microseconds(300));
    }
  });

  std::mt19937_64 random(3);
  std::uint64_t hits = 0;
  std::uint64_t asked = 0;
  // How often the others leave time for a hit is the machine's business.
  for (int round = 0; round < 600 || hits <= 500; ++round) {
    struct Use {
      RowCache::Pin pin;
      std::uint32_t n;
    };
    std::vector<Use> uses;
    for (int i = 0; i < 12; ++i) {
      const auto n = static_cast<std::uint32_t>(std::min(random() % kKeys, random() % kKeys));
      const std::uint64_t hash = NgramKeyHash{}(raced_key(n));
      RowCache::Pin pin = cache.acquire(raced_key(n), hash);
      if (pin != RowCache::kNoPin) {
        ++hits;
      } else {
        const RowCache::FoundEntry found = cache.find_or_insert(raced_key(n), hash);
        pin = found.pin;
        ASSERT_NE(pin, RowCache::kNoPin);
        const bool broken = found.fresh && random() % 50 == 0;
        if (found.fresh) {
          reads.add({pin, n, 0, 0, 30, false});
          reads.add({pin, n, 0, 30, 34, broken});
          reads.add({pin, n, 1, 0, 40, false});
        }
      }
      uses.push_back({pin, n});
    }
    for (const Use& use : uses) {
      for (std::size_t layer = 0; layer < 2; ++layer) {
        if (cache.await(use.pin, layer)) ++asked;
        while (!cache.complete(use.pin, layer)) std::this_thread::yield();
        if (cache.failed(use.pin, layer)) {
          EXPECT_EQ(cache.failure(use.pin).message, "broken");
        } else {
          EXPECT_TRUE(has_mark(cache.bytes(use.pin, layer), use.n)) << round;
        }
      }
    }
    for (const Use& use : uses) cache.release(use.pin);
  }
  stop = true;
  for (std::thread& thread : threads) thread.join();
  EXPECT_EQ(reported, asked);
  EXPECT_LE(cache.bytes_used(), cache.budget_bytes());
  ASSERT_TRUE(cache.set_budget(0));
  EXPECT_EQ(cache.entries(), 0u) << "a pin was not given back";
  EXPECT_EQ(cache.numbers(), 0u);
}

// A model's answers go on while its budget changes: what they need comes between two steps.
TEST(RowCacheThreads, MissesComeBetweenTheStepsOfAnotherBudget) {
  constexpr std::uint32_t kMany = 200'000;
  constexpr std::uint64_t kEnough = 10;  // one lock for all of it lets through one or two
  RowCache cache(kRacedLayers);
  const std::vector<std::byte> rows(cache.rows_bytes());
  std::uint64_t misses = 0;
  std::uint32_t next = 0;
  // A machine with much to do may give this thread no turn meanwhile.
  for (int attempt = 0; attempt < 50 && misses < kEnough; ++attempt) {
    ASSERT_TRUE(cache.set_budget(std::uint64_t{kMany} * cache.entry_cost()));
    for (std::uint32_t n = 0; n < kMany; ++n, ++next) {
      ASSERT_TRUE(cache.restore(raced_key(next), CacheSegment::often, rows));
    }
    std::atomic<bool> done = false;
    std::thread other([&] {
      EXPECT_TRUE(cache.set_budget(cache.entry_cost()));
      done = true;
    });
    for (misses = 0; !done; ++misses, ++next) {
      const RowCache::FoundEntry found =
          cache.find_or_insert(raced_key(next), NgramKeyHash{}(raced_key(next)));
      ASSERT_TRUE(found.fresh);
      cache.arrived(found.pin, 0, 1, 2);
      cache.arrived(found.pin, 1, 1);
      cache.release(found.pin);
    }
    other.join();
    EXPECT_LE(cache.entries(), 1u);
    cache.drop();
  }
  EXPECT_GE(misses, kEnough);
}

}  // namespace
}  // namespace mneme
