// SPDX-License-Identifier: Apache-2.0
#include "engram/record_log_index.h"

#include <gtest/gtest.h>

#include <random>
#include <unordered_map>
#include <vector>

namespace mneme {
namespace {

TEST(RecordLogIndex, FindsWhatTheRingStillHolds) {
  constexpr std::uint64_t kRecords = 5000;
  RecordLogIndex index(kRecords);
  std::mt19937_64 random(3);
  std::vector<std::uint64_t> hashes;
  std::unordered_map<std::uint64_t, std::uint64_t> newest;
  std::uint64_t lost = 0, found = 0;
  for (std::uint64_t lap = 0; lap < 40; ++lap) {
    for (std::uint64_t i = 0; i < kRecords; i += 100) {
      const std::uint64_t first = lap * kRecords + i;
      index.advance(first + 100);
      for (std::uint64_t number = first; number < first + 100; ++number) {
        // Some n-grams are written again.
        const bool again = number % 10 == 0 && number > 200;
        hashes.push_back(again ? hashes[number - 1 - random() % 150] : random());
        newest[hashes.back()] = number;
        index.insert(hashes.back(), number);
      }
    }
    const std::uint64_t next = index.next();
    for (std::uint64_t number = 0; number < next; ++number) {
      const auto at = index.find(hashes[number]);
      if (newest[hashes[number]] + kRecords < next) {
        ASSERT_FALSE(at) << "written over";
      } else if (at) {
        ASSERT_EQ(*at, newest[hashes[number]]);
        ++found;
      } else {
        ++lost;
      }
    }
  }
  EXPECT_LT(lost * 1000, found) << "hardly any bucket runs full";
}

TEST(RecordLogIndex, CountsOnBeyondWhatAMarkHolds) {
  RecordLogIndex index(1000);
  for (std::uint64_t number = (std::uint64_t{1} << 32) - 5000; number < (std::uint64_t{1} << 32);
       ++number) {
    index.advance(number + 1);
    const std::uint64_t hash = number * 0x9e3779b97f4a7c15u;
    index.insert(hash, number);
    ASSERT_EQ(index.find(hash), number);
    const std::uint64_t old = number - 1000;
    ASSERT_FALSE(index.find(old * 0x9e3779b97f4a7c15u));
  }
}

TEST(RecordLogIndex, TakesAnyOrderAndForgets) {
  RecordLogIndex index(100);
  index.advance(100);
  index.insert(7ull << 40 | 7, 60);
  index.insert(7ull << 40 | 7, 20);  // read back later, but older
  EXPECT_EQ(index.find(7ull << 40 | 7), 60u);
  index.forget(7ull << 40 | 7);
  EXPECT_FALSE(index.find(7ull << 40 | 7));
  EXPECT_FALSE(index.find(8));
  index.forget(8);
  EXPECT_LE(RecordLogIndex(1'000'000).bytes(), 10'000'100u);
}

}  // namespace
}  // namespace mneme
