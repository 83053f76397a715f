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

constexpr std::uint32_t kLayerBytes[] = {132, 66};

NgramKey key_of(ClassId n) {
  return {2, {n, n / 3}};
}

std::byte mark(ClassId n, std::size_t layer) {
  return static_cast<std::byte>(n * 31 + static_cast<ClassId>(layer) * 7 + 1);
}

void fill(RowCache& cache, Pin pin, ClassId n) {
  for (std::size_t layer = 0; layer < 2; ++layer) {
    std::ranges::fill(cache.bytes(pin, layer), mark(n, layer));
    cache.layer(pin, layer).phase = RowCache::LayerPhase::ready;
  }
}

bool holds(RowCache& cache, Pin pin, ClassId n) {
  for (std::size_t layer = 0; layer < 2; ++layer) {
    if (cache.layer(pin, layer).phase != RowCache::LayerPhase::ready) return false;
    for (const std::byte b : cache.bytes(pin, layer)) {
      if (b != mark(n, layer)) return false;
    }
  }
  return true;
}

// One look-up, as the store does it. True if it was a hit.
bool use(RowCache& cache, ClassId n) {
  Pin pin = cache.pin(key_of(n));
  const bool hit = pin != RowCache::kNoPin;
  if (!hit) {
    pin = cache.insert(key_of(n));
    fill(cache, pin, n);
  }
  cache.unpin(pin);
  return hit;
}

TEST(RowCache, AgreesWithASimpleModel) {
  std::mt19937_64 random(20261122);
  RowCache cache(kLayerBytes);
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
      Pin pin = cache.pin(key_of(n));
      if (live != list.end()) {
        ASSERT_EQ(pin, live->pin) << "a pinned entry left, step " << step;
      }
      if (pin == RowCache::kNoPin) {
        pin = cache.insert(key_of(n));
        ASSERT_NE(pin, RowCache::kNoPin);
        fill(cache, pin, n);
      }
      ASSERT_TRUE(holds(cache, pin, n)) << "step " << step;
      ASSERT_TRUE(cache.ready(key_of(n)));
      if (live != list.end()) {
        ++live->pins;
      } else {
        list.push_back({pin, 1, false});
      }
    } else if (choice < 97) {
      if (list.empty()) continue;
      const auto at = random() % list.size();
      ASSERT_TRUE(holds(cache, list[at].pin, n)) << "step " << step;
      const bool last = --list[at].pins == 0;
      ASSERT_EQ(cache.unpin(list[at].pin), last);
      if (last) list.erase(list.begin() + static_cast<std::ptrdiff_t>(at));
    } else if (live != list.end()) {
      cache.forget(live->pin);
      live->forgotten = true;
      ASSERT_FALSE(cache.ready(key_of(n)));
    }
    ASSERT_LE(cache.bytes_used(), std::max(budget, pinned() * cache.entry_cost())) << step;
    ASSERT_GE(cache.entries(), pinned());
  }
  EXPECT_GT(cache.evictions(), 1000u);
  for (auto& [n, list] : held) {
    for (Held& h : list) {
      ASSERT_TRUE(holds(cache, h.pin, n));
      while (h.pins-- > 0) cache.unpin(h.pin);
    }
  }
  EXPECT_LE(cache.bytes_used(), budget);
}

TEST(RowCache, EvictsUnpinnedFirst) {
  RowCache cache(kLayerBytes);
  ASSERT_TRUE(cache.set_budget(4 * cache.entry_cost()));
  std::vector<Pin> pins;
  for (ClassId n = 0; n < 3; ++n) pins.push_back(cache.insert(key_of(n)));
  for (ClassId n = 10; n < 40; ++n) use(cache, n);
  for (ClassId n = 0; n < 3; ++n) {
    const Pin again = cache.pin(key_of(n));
    EXPECT_EQ(again, pins[static_cast<std::size_t>(n)]);
    cache.unpin(again);
  }
  EXPECT_EQ(cache.entries(), 4u);
  EXPECT_EQ(cache.evictions(), 29u);
}

TEST(RowCache, KeepsPinnedEntriesAboveTheBudgetOnlyWhilePinned) {
  RowCache cache(kLayerBytes);
  ASSERT_TRUE(cache.set_budget(2 * cache.entry_cost()));
  std::vector<Pin> pins;
  for (ClassId n = 0; n < 500; ++n) {
    pins.push_back(cache.insert(key_of(n)));
    fill(cache, pins.back(), n);
  }
  EXPECT_EQ(cache.entries(), 500u);
  for (ClassId n = 0; n < 500; ++n) {
    EXPECT_TRUE(holds(cache, pins[static_cast<std::size_t>(n)], n));
  }
  for (const Pin pin : pins) cache.unpin(pin);
  EXPECT_EQ(cache.entries(), 2u);
  EXPECT_LE(cache.bytes_used(), cache.budget_bytes());
}

TEST(RowCache, HoldsNothingUnpinnedWithoutABudget) {
  RowCache cache(kLayerBytes);
  ASSERT_TRUE(cache.set_budget(0));
  EXPECT_FALSE(use(cache, 1));
  EXPECT_FALSE(use(cache, 1));
  EXPECT_EQ(cache.entries(), 0u);
}

TEST(RowCache, ShrinkingTheBudgetEvictsAtOnce) {
  RowCache cache(kLayerBytes);
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

TEST(RowCache, AScanDoesNotPushOutWhatIsUsedOften) {
  RowCache cache(kLayerBytes);
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
  RowCache cache(kLayerBytes);
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

TEST(RowCache, AnotherOrderIsAnotherKey) {
  RowCache cache(kLayerBytes);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  const Pin two = cache.insert({2, {5, 6}});
  EXPECT_EQ(cache.pin({3, {5, 6, 0}}), RowCache::kNoPin);
  EXPECT_EQ(cache.pin({2, {6, 5}}), RowCache::kNoPin);
  EXPECT_EQ(cache.pin({2, {5, 6}}), two);
}

TEST(RowCache, RestoresBehindWhatIsThereAndOnlyWhereThereIsRoom) {
  RowCache cache(kLayerBytes);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  for (ClassId n = 0; n < 40; ++n) use(cache, n);
  EXPECT_TRUE(cache.restore(key_of(1), true).empty()) << "it is there";
  for (ClassId n = 100; n < 200; ++n) {
    const auto rows = cache.restore(key_of(n), n % 2 == 0);
    EXPECT_EQ(rows.empty(), n >= 160);
    if (rows.empty()) continue;
    ASSERT_EQ(rows.size(), cache.rows_bytes());
    std::ranges::fill(rows.first(kLayerBytes[0]), mark(n, 0));
    std::ranges::fill(rows.subspan(kLayerBytes[0]), mark(n, 1));
  }
  EXPECT_EQ(cache.entries(), 100u);
  EXPECT_EQ(cache.evictions(), 0u);
  for (ClassId n = 100; n < 160; ++n) {
    const Pin pin = cache.pin(key_of(n));
    ASSERT_NE(pin, RowCache::kNoPin);
    EXPECT_TRUE(holds(cache, pin, n));
    cache.unpin(pin);
  }
  std::size_t often = 0;
  for (std::uint64_t i = 0; i < cache.entries(); ++i) {
    const RowCache::Kept kept = cache.kept(i);
    EXPECT_TRUE(kept.ready);
    EXPECT_TRUE(cache.ready(kept.key));
    often += kept.often_used ? 1 : 0;
  }
  EXPECT_EQ(often, 30u);
  for (ClassId n = 1000; n < 3000; ++n) use(cache, n);  // the queues still hold together
  EXPECT_EQ(cache.entries(), 100u);
}

TEST(GhostList, RemembersTheLastOnesOnly) {
  GhostList ghosts;
  EXPECT_FALSE(ghosts.contains(1));
  ghosts.add(1);  // no room, no harm
  ASSERT_TRUE(ghosts.reset(1000));
  EXPECT_FALSE(ghosts.contains(1));
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> hashes(20000);
  for (std::uint64_t& hash : hashes) ghosts.add(hash = random());
  int recent = 0;
  for (std::size_t i = hashes.size() - 500; i < hashes.size(); ++i)
    recent += ghosts.contains(hashes[i]);
  EXPECT_GT(recent, 400);  // a full bucket forgets early
  for (std::size_t i = 0; i < hashes.size() - 1001; ++i) EXPECT_FALSE(ghosts.contains(hashes[i]));
}

}  // namespace
}  // namespace mneme
