// SPDX-License-Identifier: Apache-2.0
// Listing, keeping and dropping what is in RAM.
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <set>
#include <vector>

#include "engram/row_cache.h"

namespace mneme {
namespace {

constexpr RowCache::Layer kOneLayer[] = {{40, 1}};

NgramKey visited_key(ClassId n) {
  return {2, {n, n / 3}};
}

// One look-up, as the store does it; its rows come at once.
void look_up(RowCache& cache, ClassId n) {
  const std::uint64_t hash = NgramKeyHash{}(visited_key(n));
  RowCache::Pin pin = cache.acquire(visited_key(n), hash);
  if (pin == RowCache::kNoPin) {
    pin = cache.find_or_insert(visited_key(n), hash).pin;
    cache.arrived(pin, 0, 1);
  }
  cache.release(pin);
}

std::vector<ClassId> listed(const RowCache& cache, std::size_t room = 50) {
  std::vector<ClassId> all;
  std::vector<NgramKey> keys(room);
  for (std::uint64_t first = 0;;) {
    const NgramSlice slice = cache.list(first, keys);
    EXPECT_LE(slice.count, keys.size());
    for (std::size_t i = 0; i < slice.count; ++i) all.push_back(keys[i].classes[0]);
    if (slice.next == 0) break;
    EXPECT_GT(slice.next, first);
    first = slice.next;
  }
  std::ranges::sort(all);
  return all;
}

TEST(RowCacheList, NamesAllThatIsReadyOnce) {
  RowCache cache(kOneLayer);
  EXPECT_TRUE(listed(cache).empty());
  ASSERT_TRUE(cache.set_budget(300 * cache.entry_cost()));
  for (ClassId n = 0; n < 250; ++n) look_up(cache, n);
  const auto coming = cache.find_or_insert(
      visited_key(999), NgramKeyHash{}(visited_key(999)));  // its rows are not there
  for (const std::size_t room : {1, 7, 64, 1000}) {
    const auto all = listed(cache, room);
    ASSERT_EQ(all.size(), 250u);
    for (ClassId n = 0; n < 250; ++n) EXPECT_EQ(all[static_cast<std::size_t>(n)], n);
  }
  cache.arrived(coming.pin, 0, 1);
  cache.release(coming.pin);
  EXPECT_EQ(listed(cache).size(), 251u);
}

TEST(RowCacheKeep, KeepsTheMostUsedThroughAnyPressure) {
  RowCache cache(kOneLayer);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  for (ClassId n = 0; n < 60; ++n) {
    for (ClassId times = 0; times <= n; ++times) look_up(cache, n);  // n is hit n times
  }
  EXPECT_EQ(cache.keep_most_used(20), 20u);
  EXPECT_EQ(cache.kept(), 20u);
  std::mt19937_64 random(4);
  for (int i = 0; i < 50'000; ++i) look_up(cache, 1000 + static_cast<ClassId>(random() % 5000));
  const auto all = listed(cache);
  for (ClassId n = 40; n < 60; ++n) EXPECT_TRUE(std::ranges::binary_search(all, n)) << n;
  EXPECT_LE(cache.bytes_used(), cache.budget_bytes());
  EXPECT_EQ(cache.kept(), 20u);

  // Said again: others. Nothing: all may leave.
  EXPECT_EQ(cache.keep_most_used(5), 5u);
  EXPECT_EQ(cache.keep_most_used(0), 0u);
  for (int i = 0; i < 50'000; ++i) look_up(cache, 1000 + static_cast<ClassId>(random() % 5000));
  std::size_t stayed = 0;
  for (const ClassId n : listed(cache)) stayed += n < 60 ? 1 : 0;
  EXPECT_EQ(stayed, 0u);
}

TEST(RowCacheKeep, NeverTakesMoreThanHalfTheBudgetAndNothingUnused) {
  RowCache cache(kOneLayer);
  ASSERT_TRUE(cache.set_budget(100 * cache.entry_cost()));
  for (ClassId n = 0; n < 90; ++n) look_up(cache, n);
  EXPECT_EQ(cache.keep_most_used(80), 0u);  // nothing was asked for twice
  for (ClassId n = 0; n < 90; ++n) look_up(cache, n);
  EXPECT_EQ(cache.keep_most_used(80), 50u);
  // A smaller budget takes its part back, and evicts what is over.
  ASSERT_TRUE(cache.set_budget(30 * cache.entry_cost()));
  EXPECT_EQ(cache.kept(), 15u);
  EXPECT_LE(cache.bytes_used(), cache.budget_bytes());
  for (ClassId n = 1000; n < 3000; ++n) look_up(cache, n);
  EXPECT_EQ(cache.kept(), 15u);
  EXPECT_LE(cache.bytes_used(), cache.budget_bytes());
  // They are found after all that moving, and saved with the hot set.
  std::size_t held = 0;
  std::size_t kept = 0;
  for (std::uint64_t i = 0; i < cache.numbers(); ++i) {
    const RowCache::CachedEntry one = cache.acquire_entry(i);
    if (one.pin == RowCache::kNoPin) continue;
    if (one.key.classes[0] < 90) {
      EXPECT_NE(one.segment, CacheSegment::seldom);
      kept += one.segment == CacheSegment::kept ? 1 : 0;
      EXPECT_TRUE(cache.ready(one.key));
      ++held;
    }
    cache.release(one.pin);
  }
  EXPECT_GE(held, 15u);
  EXPECT_EQ(kept, 15u);
}

TEST(RowCacheDrop, ForgetsAllButWhatIsHeld) {
  RowCache cache(kOneLayer);
  ASSERT_TRUE(cache.set_budget(1000 * cache.entry_cost()));
  for (int round = 0; round < 2; ++round) {
    for (ClassId n = 0; n < 900; ++n) look_up(cache, n);
  }
  EXPECT_EQ(cache.keep_most_used(100), 100u);
  const RowCache::Pin held = cache.acquire(visited_key(5), NgramKeyHash{}(visited_key(5)));
  std::ranges::fill(cache.bytes(held, 0), std::byte{7});
  EXPECT_EQ(cache.drop(), 899u);
  EXPECT_EQ(listed(cache), std::vector<ClassId>{5});
  EXPECT_EQ(cache.kept(), 0u);
  EXPECT_TRUE(std::ranges::all_of(cache.rows(held), [](std::byte b) { return b == std::byte{7}; }));
  // It goes on as if it were new, with what was held in its place.
  for (ClassId n = 0; n < 4000; ++n) look_up(cache, n);
  EXPECT_LE(cache.bytes_used(), cache.budget_bytes());
  EXPECT_TRUE(cache.ready(visited_key(5)));
  cache.release(held);
  EXPECT_EQ(cache.drop(), 1000u);
  EXPECT_EQ(cache.entries(), 0u);
  EXPECT_EQ(cache.numbers(), 0u);
}

// N-grams that came back after they had left, and so are taken for useful: the policy's memory.
std::size_t remembered(RowCache& cache) {
  for (ClassId n = 0; n < 2500; ++n) look_up(cache, n);  // 0..1499 leave
  for (ClassId n = 0; n < 400; ++n) look_up(cache, n);   // the first of them long ago
  std::size_t often = 0;
  for (std::uint64_t i = 0; i < cache.numbers(); ++i) {
    const RowCache::CachedEntry one = cache.acquire_entry(i);
    if (one.pin == RowCache::kNoPin) continue;
    often += one.key.classes[0] < 400 && one.segment == CacheSegment::often ? 1 : 0;
    cache.release(one.pin);
  }
  return often;
}

TEST(RowCacheDrop, ThePolicyRemembersAsFarBackAsBefore) {
  RowCache fresh(kOneLayer);
  ASSERT_TRUE(fresh.set_budget(1000 * fresh.entry_cost()));
  RowCache dropped(kOneLayer);
  ASSERT_TRUE(dropped.set_budget(1000 * dropped.entry_cost()));
  for (ClassId n = 5000; n < 9000; ++n) look_up(dropped, n);
  dropped.drop();
  const std::size_t in_fresh = remembered(fresh);
  EXPECT_GT(in_fresh, 100u);
  EXPECT_EQ(remembered(dropped), in_fresh);
}

TEST(RowCacheDrop, MayFindNothing) {
  RowCache cache(kOneLayer);
  EXPECT_EQ(cache.drop(), 0u);
  EXPECT_EQ(cache.keep_most_used(10), 0u);
}

}  // namespace
}  // namespace mneme
