// SPDX-License-Identifier: Apache-2.0
#include "engram/row_cache.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <map>
#include <random>
#include <unordered_map>
#include <vector>

namespace mneme {
namespace {

using Pin = RowCache::Pin;

constexpr RowCache::Layer kLayers[] = {{132, 1}, {66, 2}};

NgramKey key_of(ClassId n) {
  return {2, {n, n / 3}};
}

std::byte mark(ClassId n, std::size_t layer) {
  return static_cast<std::byte>(n * 31 + static_cast<ClassId>(layer) * 7 + 1);
}

std::uint64_t hash_of(ClassId n) {
  return NgramKeyHash{}(key_of(n));
}

Pin pin(RowCache& cache, ClassId n) {
  return cache.acquire(key_of(n), hash_of(n));
}

// Its layers' reads come in.
void fill(RowCache& cache, Pin pin, ClassId n) {
  for (std::size_t layer = 0; layer < 2; ++layer) {
    std::ranges::fill(cache.bytes(pin, layer), mark(n, layer));
    for (std::uint32_t i = 0; i < kLayers[layer].arrivals; ++i) {
      ASSERT_FALSE(cache.complete(pin, layer));
      ASSERT_FALSE(cache.arrived(pin, layer, 1));
    }
  }
}

Pin insert(RowCache& cache, ClassId n) {
  const RowCache::FoundEntry found = cache.find_or_insert(key_of(n), hash_of(n));
  EXPECT_TRUE(found.fresh);
  fill(cache, found.pin, n);
  return found.pin;
}

bool holds(RowCache& cache, Pin pin, ClassId n) {
  for (std::size_t layer = 0; layer < 2; ++layer) {
    if (!cache.complete(pin, layer) || cache.failed(pin, layer)) return false;
    for (const std::byte b : cache.bytes(pin, layer)) {
      if (b != mark(n, layer)) return false;
    }
  }
  return true;
}

// One look-up, as the store does it. True if it was a hit.
bool use(RowCache& cache, ClassId n) {
  Pin found = pin(cache, n);
  const bool hit = found != RowCache::kNoPin;
  if (!hit) found = insert(cache, n);
  cache.release(found);
  return hit;
}

TEST(RowCache, AgreesWithASimpleModel) {
  std::mt19937_64 random(20261122);
  RowCache cache(kLayers);
  struct Held {
    Pin pin;
    int pins = 0;
    bool forgotten = false;
  };
  // The model knows what is pinned and what every n-gram holds; which unpinned one leaves is the
  // policy's choice, but it may only leave when the budget asks for it.
  std::map<ClassId, std::vector<Held>> held;  // an n-gram may be forgotten and inserted again
  const auto pinned = [&] {
    std::size_t count = 0;
    for (const auto& [n, list] : held) count += list.size();
    return count;
  };
  std::uint64_t budget = 0;
  for (int step = 0; step < 60000; ++step) {
    const auto n = static_cast<ClassId>(random() % 300);
    const auto choice = random() % 100;
    auto& list = held[n];
    const auto live = std::ranges::find_if(list, [](const Held& h) { return !h.forgotten; });
    if (step % 700 == 0) {
      budget = random() % (220 * cache.entry_cost());
      ASSERT_TRUE(cache.set_budget(budget));
    } else if (choice < 55) {
      Pin found = pin(cache, n);
      if (live != list.end()) {
        ASSERT_EQ(found, live->pin) << "a pinned entry left, step " << step;
      }
      if (found == RowCache::kNoPin) found = insert(cache, n);
      ASSERT_TRUE(holds(cache, found, n)) << "step " << step;
      ASSERT_TRUE(cache.ready(key_of(n)));
      if (live != list.end()) {
        ++live->pins;
      } else {
        list.push_back({found, 1, false});
      }
    } else if (choice < 97) {
      if (list.empty()) continue;
      const auto at = random() % list.size();
      ASSERT_TRUE(list[at].forgotten || holds(cache, list[at].pin, n)) << "step " << step;
      cache.release(list[at].pin);
      if (--list[at].pins == 0) list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (live != list.end()) {
      cache.fail(live->pin, 0, Error{ErrorCode::io, std::to_string(n)});
      live->forgotten = true;
      ASSERT_EQ(cache.failure(live->pin).message, std::to_string(n));
      ASSERT_FALSE(cache.ready(key_of(n)));
    }
    ASSERT_LE(cache.bytes_used(), std::max(budget, pinned() * cache.entry_cost())) << step;
    ASSERT_GE(cache.entries(), pinned());
  }
  EXPECT_GT(cache.evictions(), 1000u);
  for (auto& [n, list] : held) {
    for (Held& h : list) {
      ASSERT_TRUE(h.forgotten || holds(cache, h.pin, n));
      while (h.pins-- > 0) cache.release(h.pin);
    }
  }
  EXPECT_LE(cache.bytes_used(), budget);
}

TEST(RowCache, EvictsUnpinnedFirst) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(4 * cache.entry_cost()));
  std::vector<Pin> pins;
  for (ClassId n = 0; n < 3; ++n) pins.push_back(insert(cache, n));
  for (ClassId n = 10; n < 40; ++n) use(cache, n);
  for (ClassId n = 0; n < 3; ++n) {
    const Pin again = pin(cache, n);
    EXPECT_EQ(again, pins[static_cast<std::size_t>(n)]);
    cache.release(again);
  }
  EXPECT_EQ(cache.entries(), 4u);
  EXPECT_EQ(cache.evictions(), 29u);
}

TEST(RowCache, KeepsPinnedEntriesAboveTheBudgetOnlyWhilePinned) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(2 * cache.entry_cost()));
  std::vector<Pin> pins;
  for (ClassId n = 0; n < 500; ++n) {
    pins.push_back(insert(cache, n));
  }
  EXPECT_EQ(cache.entries(), 500u);
  for (ClassId n = 0; n < 500; ++n) {
    EXPECT_TRUE(holds(cache, pins[static_cast<std::size_t>(n)], n));
  }
  for (const Pin pin : pins) cache.release(pin);
  EXPECT_EQ(cache.entries(), 2u);
  EXPECT_LE(cache.bytes_used(), cache.budget_bytes());
}

TEST(RowCache, HoldsNothingUnpinnedWithoutABudget) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(0));
  EXPECT_FALSE(use(cache, 1));
  EXPECT_FALSE(use(cache, 1));
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(RowCache, ShrinkingTheBudgetEvictsAtOnce) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(1000 * cache.entry_cost()));
  for (ClassId n = 0; n < 1000; ++n) use(cache, n);
  EXPECT_EQ(cache.entries(), 1000u);
  ASSERT_TRUE(cache.set_budget(10 * cache.entry_cost()));
  EXPECT_EQ(cache.entries(), 10u);
  ASSERT_TRUE(cache.set_budget(1000 * cache.entry_cost()));
  int still_there = 0;
  for (ClassId n = 0; n < 1000; ++n) still_there += cache.ready(key_of(n)) ? 1 : 0;
  EXPECT_EQ(still_there, 10);
  for (ClassId n = 0; n < 1000; ++n) use(cache, n);
  EXPECT_EQ(cache.entries(), 1000u);
}

TEST(RowCache, EveryEntryIsFoundUnderAnyBudgetThatHoldsIt) {
  constexpr ClassId kEntries = 1000;
  RowCache cache(kLayers);
  for (const std::uint64_t entries : {1000, 100'000, 1001, 5000, 70'000, 1000}) {
    ASSERT_TRUE(cache.set_budget(entries * cache.entry_cost()));
    for (ClassId n = 0; n < kEntries; ++n) {
      const Pin found =
          entries == 1000 && cache.entries() < kEntries ? insert(cache, n) : pin(cache, n);
      ASSERT_NE(found, RowCache::kNoPin) << n << " of a cache for " << entries;
      EXPECT_TRUE(holds(cache, found, n));
      cache.release(found);
    }
    ASSERT_EQ(cache.entries(), std::uint64_t{kEntries});
  }
}

TEST(RowCache, NewEntriesLieWithinASmallerBudget) {
  constexpr std::uint32_t kSmaller = 8;
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  std::vector<Pin> pins;
  for (ClassId n = 0; n < 12; ++n) pins.push_back(insert(cache, n));
  // Free places within the smaller budget, between others that are beyond it.
  for (const std::uint32_t n : {8, 2, 3, 4, 9}) {
    cache.fail(pins[n], 0, Error{ErrorCode::io, "gone"});
    cache.release(pins[n]);
  }
  ASSERT_TRUE(cache.set_budget(kSmaller * cache.entry_cost()));  // the last one is pinned: it stays
  ASSERT_EQ(cache.entries(), 7u);
  EXPECT_LT(static_cast<std::uint32_t>(insert(cache, 100)), kSmaller);
  for (const std::uint32_t n : {0, 1, 5, 6, 7, 10, 11}) {
    EXPECT_TRUE(holds(cache, pins[n], static_cast<ClassId>(n)));
  }
}

TEST(RowCache, AScanDoesNotPushOutWhatIsUsedOften) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  for (int round = 0; round < 4; ++round) {
    for (ClassId n = 0; n < 50; ++n) use(cache, n);
  }
  int hits = 0;
  for (ClassId n = 0; n < 5000; ++n) {
    hits += use(cache, n % 50) ? 1 : 0;
    for (ClassId k = 0; k < 4; ++k) use(cache, 10000 + n * 4 + k);  // never asked for again
  }
  EXPECT_GT(hits, 4900);
}

TEST(RowCache, ComesBackToTheMainQueueWhenItLeftTooEarly) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  use(cache, 1);
  for (ClassId n = 100; n < 205; ++n) use(cache, n);
  ASSERT_FALSE(cache.ready(key_of(1)));
  use(cache, 1);    // known to the ghosts: straight to the main queue
  use(cache, 999);  // a newcomer at the same time
  for (ClassId n = 300; n < 600; ++n) use(cache, n);
  EXPECT_TRUE(cache.ready(key_of(1)));
  EXPECT_FALSE(cache.ready(key_of(999)));
}

TEST(RowCache, OneUseMoreKeepsAnEntryWhileTheMainQueueHasRoom) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  for (ClassId n = 0; n < 50; ++n) use(cache, n);
  for (ClassId n = 0; n < 50; ++n) use(cache, n);       // once more
  for (ClassId n = 1000; n < 1200; ++n) use(cache, n);  // a scan
  for (ClassId n = 0; n < 50; ++n) EXPECT_TRUE(cache.ready(key_of(n))) << n;
  for (ClassId n = 2000; n < 2050; ++n) {  // until 90 are in the main queue
    use(cache, n);
    use(cache, n);
  }
  for (ClassId n = 3000; n < 3200; ++n) use(cache, n);
  std::size_t kept = 0;
  for (ClassId n = 2000; n < 2050; ++n) kept += cache.ready(key_of(n)) ? 1 : 0;
  EXPECT_NEAR(static_cast<double>(kept), 40, 2) << "then it takes two";
}

TEST(RowCache, AnotherOrderIsAnotherKey) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  const auto find = [&](const NgramKey& key) { return cache.acquire(key, NgramKeyHash{}(key)); };
  const NgramKey two{2, {5, 6}};
  const Pin held = cache.find_or_insert(two, NgramKeyHash{}(two)).pin;
  EXPECT_EQ(find({3, {5, 6, 0}}), RowCache::kNoPin);
  EXPECT_EQ(find({2, {6, 5}}), RowCache::kNoPin);
  EXPECT_EQ(find(two), held);
}

TEST(RowCache, RestoresBehindWhatIsThereAndOnlyWhereThereIsRoom) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  for (ClassId n = 0; n < 40; ++n) use(cache, n);
  std::vector<std::byte> rows(cache.rows_bytes());
  EXPECT_FALSE(cache.restore(key_of(1), CacheSegment::often, rows)) << "it is there";
  for (ClassId n = 100; n < 200; ++n) {
    std::fill_n(rows.begin(), kLayers[0].bytes, mark(n, 0));
    std::fill(rows.begin() + kLayers[0].bytes, rows.end(), mark(n, 1));
    const CacheSegment segment = n % 2 == 0 ? CacheSegment::often : CacheSegment::seldom;
    EXPECT_EQ(cache.restore(key_of(n), segment, rows), n < 160);
  }
  EXPECT_EQ(cache.entries(), 100u);
  EXPECT_EQ(cache.evictions(), 0u);
  for (ClassId n = 100; n < 160; ++n) {
    const Pin found = pin(cache, n);
    ASSERT_NE(found, RowCache::kNoPin);
    EXPECT_TRUE(holds(cache, found, n));
    cache.release(found);
  }
  std::size_t often = 0;
  for (std::uint64_t i = 0; i < cache.numbers(); ++i) {
    const RowCache::CachedEntry kept = cache.acquire_entry(i);
    ASSERT_NE(kept.pin, RowCache::kNoPin);
    EXPECT_TRUE(cache.ready(kept.key));
    cache.release(kept.pin);
    often += kept.segment == CacheSegment::often ? 1 : 0;
  }
  EXPECT_EQ(often, 30u);
  for (ClassId n = 1000; n < 3000; ++n) use(cache, n);  // the queues still hold together
  EXPECT_EQ(cache.entries(), 100u);
}

TEST(RowCache, RestoresWhatWasKeptAsFarAsTheBudgetAllows) {
  RowCache cache(kLayers);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  const std::vector<std::byte> rows(cache.rows_bytes());
  for (ClassId n = 0; n < 80; ++n) EXPECT_TRUE(cache.restore(key_of(n), CacheSegment::kept, rows));
  EXPECT_EQ(cache.kept(), 50u);  // half
  for (ClassId n = 1000; n < 3000; ++n) use(cache, n);
  for (ClassId n = 0; n < 50; ++n) EXPECT_TRUE(cache.ready(key_of(n))) << n;
}

TEST(GhostList, RemembersTheLastOnesOnly) {
  GhostList ghosts;
  EXPECT_FALSE(ghosts.take(1));
  ghosts.add(1);  // no room, no harm
  ASSERT_TRUE(ghosts.reset(1000));
  EXPECT_FALSE(ghosts.take(1));
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> hashes(20000);
  for (std::uint64_t& hash : hashes) ghosts.add(hash = random());
  int recent = 0;
  for (std::size_t i = hashes.size() - 500; i < hashes.size(); ++i)
    recent += ghosts.take(hashes[i]) ? 1 : 0;
  EXPECT_GT(recent, 400);  // a full bucket forgets early
  for (std::size_t i = 0; i < hashes.size() - 1001; ++i) EXPECT_FALSE(ghosts.take(hashes[i]));
  for (std::size_t i = hashes.size() - 500; i < hashes.size(); ++i) {
    EXPECT_FALSE(ghosts.take(hashes[i])) << "forgotten when it was taken";
  }
}

}  // namespace
}  // namespace mneme
