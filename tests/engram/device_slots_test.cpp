// SPDX-License-Identifier: Apache-2.0
// The device's entries against a memory that does as it is told: whatever was decided, a look-up
// finds its own n-gram's rows, also after steps that failed.
#include "engram/device_slots.h"

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
  void run(const Keys& asked, const DeviceSlots::Step& step, std::size_t until) {
    ASSERT_EQ(step.places().size(), asked.size());
    std::set<std::int32_t> read;
    for (const DeviceSlots::Place& place : step.places()) {
      if (place.from < 0) read.insert(~place.from);
    }
    std::vector<bool> brought(step.missing().size());
    Keys answered;
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const DeviceSlots::Place& place = step.places()[i];
      if (place.from < 0) {
        EXPECT_EQ(entries_.at(static_cast<std::size_t>(~place.from)), asked[i]);
        EXPECT_FALSE(place.brings);
      } else {
        EXPECT_EQ(step.missing()[static_cast<std::size_t>(place.from)], asked[i]);
        // The first to ask brings it, and only that one.
        EXPECT_EQ(place.brings, !brought[static_cast<std::size_t>(place.from)]);
        brought[static_cast<std::size_t>(place.from)] = true;
      }
      if (!place.brings) answered.push_back(asked[i]);
    }
    EXPECT_TRUE(std::ranges::is_permutation(step.answered(), answered));
    for (std::size_t i = 0; i < asked.size(); ++i) {
      const DeviceSlots::Place& place = step.places()[i];
      if (place.keep < 0) continue;
      EXPECT_TRUE(place.brings);
      EXPECT_FALSE(read.contains(place.keep)) << "read and written in one step";
      EXPECT_TRUE(read.insert(place.keep).second) << "written twice";
      entries_.at(static_cast<std::size_t>(place.keep)) = i < until ? asked[i] : key(-1);
    }
  }

 private:
  std::vector<NgramKey> entries_;
};

TEST(DeviceSlots, WhatWasBroughtIsHeldFromTheNextStepOn) {
  DeviceSlots slots(8);
  DeviceSlots::Step step;
  slots.plan(keys({1, 2, 1}), step);
  ASSERT_EQ(step.missing().size(), 2u);
  EXPECT_EQ(step.places()[0].from, 0);
  EXPECT_EQ(step.places()[1].from, 1);
  EXPECT_EQ(step.places()[2].from, 0) << "once more: the same rows";
  EXPECT_GE(step.places()[0].keep, 0);
  EXPECT_EQ(step.places()[2].keep, -1);
  EXPECT_EQ(step.answered().size(), 1u);
  const std::int32_t kept = step.places()[0].keep;
  step.done();
  slots.plan(keys({3, 1}), step);
  ASSERT_EQ(step.missing().size(), 1u);
  EXPECT_EQ(step.missing()[0], key(3));
  EXPECT_EQ(step.places()[1].from, ~kept);
  step.done();
  slots.plan(keys({1, 2, 3}), step);
  EXPECT_TRUE(step.missing().empty());
  EXPECT_EQ(slots.stats().entries, 3u);
  EXPECT_EQ(slots.stats().entries_max, 8u);
}

TEST(DeviceSlots, AStepThatDidNotRunKeepsNothing) {
  DeviceSlots slots(8);
  DeviceSlots::Step failed, next;
  slots.plan(keys({1, 2}), failed);
  slots.plan(keys({1, 3}), next);
  EXPECT_EQ(next.missing().size(), 1u) << "planned meanwhile, and relies on the one before";
  failed.forget();
  next.forget();
  EXPECT_EQ(slots.stats().entries, 0u);
  slots.plan(keys({1, 2, 3}), next);
  EXPECT_EQ(next.missing().size(), 3u);
  {
    DeviceSlots::Step gone;
    slots.plan(keys({4}), gone);
  }
  next.done();
  EXPECT_EQ(slots.stats().entries, 3u);
}

TEST(DeviceSlotsDeathTest, AStepCannotRunThatReliesOnOneThatDidNot) {
  DeviceSlots slots(8);
  DeviceSlots::Step failed, next;
  slots.plan(keys({1}), failed);
  slots.plan(keys({1}), next);
  failed.forget();
  EXPECT_DEATH(next.done(), "good_from_");
}

TEST(DeviceSlots, NothingThatAStepUsesLeavesInIt) {
  DeviceSlots slots(4);
  Memory memory(4);
  DeviceSlots::Step step;
  slots.plan(keys({1, 2, 3, 4}), step);
  memory.run(keys({1, 2, 3, 4}), step, 4);
  step.done();
  // More newcomers than there are entries: two are used, the others' entries may be had.
  const Keys many = keys({10, 1, 11, 12, 13, 2, 14, 15, 10, 16});
  slots.plan(many, step);
  memory.run(many, step, many.size());
  EXPECT_LT(step.places()[1].from, 0);
  EXPECT_LT(step.places()[5].from, 0);
  EXPECT_EQ(std::ranges::count_if(step.places(), [](const auto& place) { return place.keep >= 0; }),
            2);
  EXPECT_EQ(slots.stats().entries, 4u);
  EXPECT_EQ(slots.stats().evictions, 2u);
}

TEST(DeviceSlots, UseOnceDoesNotPushOutWhatIsUsedAgain) {
  DeviceSlots slots(100);
  DeviceSlots::Step step;
  int next = 1000;
  std::size_t held = 0;
  for (int round = 0; round < 200; ++round) {
    for (int number = 0; number < 40; ++number) {
      // Five that never come again for each that does.
      const Keys asked = keys({number, next, next + 1, next + 2, next + 3, next + 4});
      next += 5;
      slots.plan(asked, step);
      if (round >= 100) held += step.places()[0].from < 0 ? 1 : 0;
      step.done();
    }
  }
  EXPECT_GT(held, 3900u) << "of 4000";
}

TEST(DeviceSlots, ClearForgetsAllBeforeTheNextStep) {
  DeviceSlots slots(8);
  DeviceSlots::Step step;
  slots.plan(keys({1, 2, 3}), step);
  slots.clear();
  step.done();
  EXPECT_EQ(slots.stats().entries, 0u);
  slots.plan(keys({1, 2}), step);
  EXPECT_EQ(step.missing().size(), 2u);
  EXPECT_EQ(slots.stats().entries, 2u);
}

// Numbers as words of a text: a few of them most of the time.
int often_small(std::mt19937& random, int most) {
  const double share = std::uniform_real_distribution<double>(0, 1)(random);
  return static_cast<int>(std::pow(share, 4) * most);
}

TEST(DeviceSlots, RandomStepsFindTheirRowsWhateverFailsBetween) {
  for (const std::uint32_t entries : {1u, 2u, 7u, 64u, 500u}) {
    DeviceSlots slots(entries);
    Memory memory(entries);
    std::mt19937 random(entries);
    DeviceSlots::Step steps[2];
    Keys asked[2];
    const auto plan = [&](int which) {
      asked[which].clear();
      const auto count = static_cast<std::size_t>(random() % 3 == 0 ? random() % 60 : 2);
      for (std::size_t i = 0; i < count; ++i) asked[which].push_back(key(often_small(random, 900)));
      slots.plan(asked[which], steps[which]);
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
        answered += steps[now].answered().size();
        if (!fails) {
          steps[now].done();
          continue;
        }
        steps[now].forget();
        steps[1 - now].forget();
        break;
      }
      EXPECT_LE(slots.stats().entries, entries);
    }
    EXPECT_GT(answered, 1000u);
  }
}

TEST(DeviceSlots, ThePolicyIsThatOfTheRowCache) {
  constexpr std::uint32_t kEntries = 400;
  DeviceSlots slots(kEntries);
  MiniatureCache reference(kEntries);
  std::mt19937 random(3);
  DeviceSlots::Step step;
  int held = 0;
  int reference_held = 0;
  for (int i = 0; i < 60'000; ++i) {
    const NgramKey asked = key(often_small(random, 20'000));
    slots.plan({&asked, 1}, step);
    held += step.missing().empty() ? 1 : 0;
    step.done();
    reference_held += reference.access(NgramKeyHash{}(asked)) ? 1 : 0;
  }
  EXPECT_GT(reference_held, 15'000);
  EXPECT_NEAR(held, reference_held, 300) << "of 60,000";
}

}  // namespace
}  // namespace mneme
