// SPDX-License-Identifier: Apache-2.0
// The device's entries against a memory that does as it is told: whatever was decided, a look-up
// finds its own n-gram's rows, also after steps that failed.
#include "engram/device_row_cache_policy.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <random>
#include <set>
#include <vector>

#include "engram/miniature_cache.h"

namespace mneme {
namespace {

using Keys = std::vector<NgramKey>;

NgramKey key(int number) {
  NgramKey key;
  key.order = 2 + number % 2;
  key.classes = {number, number / 7};
  return key;
}

Keys keys(std::initializer_list<int> numbers) {
  Keys all;
  for (const int number : numbers) all.push_back(key(number));
  return all;
}

// What lies in the device's entries.
class Memory {
 public:
  explicit Memory(std::size_t entries) : entries_(entries) {}

  // Runs a step and checks what its look-ups find. `until`: look-ups that it comes to; the entries
  // of the others hold anything.
  void run(const Keys& asked, const DeviceRowCachePolicy::Step& step, std::size_t until) {
    ASSERT_EQ(step.locations().size(), asked.size());
    std::set<std::int32_t> read;
    for (const DeviceRowCachePolicy::RowLocation& location : step.locations()) {
      if (location.from < 0) read.insert(~location.from);
    }
    std::vector<bool> transferred(step.misses().size());
    Keys answered;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const DeviceRowCachePolicy::RowLocation& location = step.locations()[i];
      if (location.from < 0) {
        EXPECT_EQ(entries_.at(static_cast<std::size_t>(~location.from)), asked[i]);
        EXPECT_FALSE(location.is_miss);
      } else {
        EXPECT_EQ(step.misses()[static_cast<std::size_t>(location.from)], asked[i]);
        // The first look-up is the miss, and only that one.
        EXPECT_EQ(location.is_miss, !transferred[static_cast<std::size_t>(location.from)]);
        transferred[static_cast<std::size_t>(location.from)] = true;
      }
      if (!location.is_miss) answered.push_back(asked[i]);
    }
    EXPECT_TRUE(std::ranges::is_permutation(step.hits(), answered));
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const DeviceRowCachePolicy::RowLocation& location = step.locations()[i];
      if (location.keep < 0) continue;
      EXPECT_TRUE(location.is_miss);
      EXPECT_FALSE(read.contains(location.keep)) << "read and written in one step";
      EXPECT_TRUE(read.insert(location.keep).second) << "written twice";
      entries_.at(static_cast<std::size_t>(location.keep)) = i < until ? asked[i] : key(-1);
    }
  }

 private:
  std::vector<NgramKey> entries_;
};

TEST(DeviceRowCachePolicy, ATransferredNgramIsCachedFromTheNextStepOn) {
  DeviceRowCachePolicy policy(8);
  DeviceRowCachePolicy::Step step;
  policy.plan(keys({1, 2, 1}), step);
  ASSERT_EQ(step.misses().size(), 2u);
  EXPECT_EQ(step.locations()[0].from, 0);
  EXPECT_EQ(step.locations()[1].from, 1);
  EXPECT_EQ(step.locations()[2].from, 0) << "once more: the same rows";
  EXPECT_GE(step.locations()[0].keep, 0);
  EXPECT_EQ(step.locations()[2].keep, -1);
  EXPECT_EQ(step.hits().size(), 1u);
  const std::int32_t kept = step.locations()[0].keep;
  step.done();
  policy.plan(keys({3, 1}), step);
  ASSERT_EQ(step.misses().size(), 1u);
  EXPECT_EQ(step.misses()[0], key(3));
  EXPECT_EQ(step.locations()[1].from, ~kept);
  step.done();
  policy.plan(keys({1, 2, 3}), step);
  EXPECT_TRUE(step.misses().empty());
  EXPECT_EQ(policy.stats().entries, 3u);
  EXPECT_EQ(policy.stats().entries_max, 8u);
}

TEST(DeviceRowCachePolicy, AStepThatDidNotRunKeepsNothing) {
  DeviceRowCachePolicy policy(8);
  DeviceRowCachePolicy::Step failed, next;
  policy.plan(keys({1, 2}), failed);
  policy.plan(keys({1, 3}), next);
  EXPECT_EQ(next.misses().size(), 1u) << "planned meanwhile, and relies on the one before";
  failed.forget();
  next.forget();
  EXPECT_EQ(policy.stats().entries, 0u);
  policy.plan(keys({1, 2, 3}), next);
  EXPECT_EQ(next.misses().size(), 3u);
  {
    DeviceRowCachePolicy::Step gone;
    policy.plan(keys({4}), gone);
  }
  next.done();
  EXPECT_EQ(policy.stats().entries, 3u);
}

TEST(DeviceRowCachePolicyDeathTest, AStepCannotRunThatReliesOnOneThatDidNot) {
  DeviceRowCachePolicy policy(8);
  DeviceRowCachePolicy::Step failed, next;
  policy.plan(keys({1}), failed);
  policy.plan(keys({1}), next);
  failed.forget();
  EXPECT_DEATH(next.done(), "valid_from_step_");
}

TEST(DeviceRowCachePolicy, NoEntryThatAStepUsesIsEvictedInIt) {
  DeviceRowCachePolicy policy(4);
  Memory memory(4);
  DeviceRowCachePolicy::Step step;
  policy.plan(keys({1, 2, 3, 4}), step);
  memory.run(keys({1, 2, 3, 4}), step, 4);
  step.done();
  // More newcomers than there are entries: two are used, the others' entries may be had.
  const Keys many = keys({10, 1, 11, 12, 13, 2, 14, 15, 10, 16});
  policy.plan(many, step);
  memory.run(many, step, many.size());
  EXPECT_LT(step.locations()[1].from, 0);
  EXPECT_LT(step.locations()[5].from, 0);
  EXPECT_EQ(std::ranges::count_if(step.locations(),
                                  [](const auto& location) { return location.keep >= 0; }),
            2);
  EXPECT_EQ(policy.stats().entries, 4u);
  EXPECT_EQ(policy.stats().evictions, 2u);
}

TEST(DeviceRowCachePolicy, OneUseDoesNotEvictAnNgramThatIsUsedAgain) {
  DeviceRowCachePolicy policy(100);
  DeviceRowCachePolicy::Step step;
  int next = 1000;
  std::size_t hits = 0;
  for (int round = 0; round < 200; ++round) {
    for (int number = 0; number < 40; ++number) {
      // Five that never come again for each that does.
      const Keys asked = keys({number, next, next + 1, next + 2, next + 3, next + 4});
      next += 5;
      policy.plan(asked, step);
      if (round >= 100) hits += step.locations()[0].from < 0 ? 1 : 0;
      step.done();
    }
  }
  EXPECT_GT(hits, 3900u) << "of 4000";
}

TEST(DeviceRowCachePolicy, ClearForgetsAllBeforeTheNextStep) {
  DeviceRowCachePolicy policy(8);
  DeviceRowCachePolicy::Step step;
  policy.plan(keys({1, 2, 3}), step);
  policy.clear();
  step.done();
  EXPECT_EQ(policy.stats().entries, 0u);
  policy.plan(keys({1, 2}), step);
  EXPECT_EQ(step.misses().size(), 2u);
  EXPECT_EQ(policy.stats().entries, 2u);
}

// Numbers as words of a text: a few of them most of the time.
int often_small(std::mt19937& random, int most) {
  const double share = std::uniform_real_distribution<double>(0, 1)(random);
  return static_cast<int>(std::pow(share, 4) * most);
}

TEST(DeviceRowCachePolicy, RandomStepsFindTheirRowsWhateverFailsBetween) {
  for (const std::uint32_t entries : {1u, 2u, 7u, 64u, 500u}) {
    DeviceRowCachePolicy policy(entries);
    Memory memory(entries);
    std::mt19937 random(entries);
    DeviceRowCachePolicy::Step steps[2];
    Keys asked[2];
    const auto plan = [&](int which) {
      asked[which].clear();
      const auto count = static_cast<std::size_t>(random() % 3 == 0 ? random() % 60 : 2);
      for (std::size_t i = 0; i < count; ++i) asked[which].push_back(key(often_small(random, 900)));
      policy.plan(asked[which], steps[which]);
    };
    std::uint64_t answered = 0;
    for (int round = 0; round < 4000; ++round) {
      // A prompt of a few chunks: each is planned before the one before it runs.
      const int chunks = 1 + static_cast<int>(random() % 4);
      int now = 0;
      plan(now);
      for (int chunk = 0; chunk < chunks; ++chunk, now = 1 - now) {
        if (chunk + 1 < chunks) plan(1 - now);
        const bool fails = random() % 8 == 0;
        const std::size_t until = fails ? random() % (asked[now].size() + 1) : asked[now].size();
        memory.run(asked[now], steps[now], until);
        if (HasFatalFailure()) return;
        answered += steps[now].hits().size();
        if (!fails) {
          steps[now].done();
          continue;
        }
        steps[now].forget();
        steps[1 - now].forget();
        break;
      }
      EXPECT_LE(policy.stats().entries, entries);
    }
    EXPECT_GT(answered, 1000u);
  }
}

TEST(DeviceRowCachePolicy, ItIsThePolicyOfTheRowCache) {
  constexpr std::uint32_t kEntries = 400;
  DeviceRowCachePolicy policy(kEntries);
  MiniatureCache reference(kEntries);
  std::mt19937 random(3);
  DeviceRowCachePolicy::Step step;
  int hits = 0;
  int reference_hits = 0;
  for (int i = 0; i < 60'000; ++i) {
    const NgramKey asked = key(often_small(random, 20'000));
    policy.plan({&asked, 1}, step);
    hits += step.misses().empty() ? 1 : 0;
    step.done();
    reference_hits += reference.access(NgramKeyHash{}(asked)) ? 1 : 0;
  }
  EXPECT_GT(reference_hits, 15'000);
  EXPECT_NEAR(hits, reference_hits, 300) << "of 60,000";
}

}  // namespace
}  // namespace mneme
