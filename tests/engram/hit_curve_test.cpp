// SPDX-License-Identifier: Apache-2.0
#include "engram/hit_curve.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <vector>

namespace mneme {
namespace {

std::uint64_t hash_of(std::uint64_t n) {
  n = (n + 1) * 0x9E3779B97F4A7C15u;
  n = (n ^ (n >> 30)) * 0xBF58476D1CE4E5B9u;
  return n ^ (n >> 27);
}

TEST(MiniatureCache, RemembersAsManyAsItHasRoomFor) {
  MiniatureCache cache(1000);
  for (std::uint64_t n = 0; n < 1000; ++n) EXPECT_FALSE(cache.access(hash_of(n)));
  for (std::uint64_t n = 0; n < 1000; ++n) EXPECT_TRUE(cache.access(hash_of(n)));
  // A scan of newcomers leaves what was used twice.
  for (std::uint64_t n = 0; n < 1000; ++n) cache.access(hash_of(n));
  for (std::uint64_t n = 5000; n < 50000; ++n) cache.access(hash_of(n));
  int kept = 0;
  for (std::uint64_t n = 0; n < 1000; ++n) kept += cache.access(hash_of(n)) ? 1 : 0;
  EXPECT_GT(kept, 600);
}

TEST(MiniatureCache, OfOneEntryWorks) {
  MiniatureCache cache(1);
  EXPECT_FALSE(cache.access(hash_of(1)));
  EXPECT_TRUE(cache.access(hash_of(1)));
  EXPECT_FALSE(cache.access(hash_of(2)));
  EXPECT_TRUE(cache.access(hash_of(2)));
}

TEST(HitCurve, CoversFromOneMebibyteToTheWholeTable) {
  const HitCurve curve(600, 71'000'000, 0);
  const HitCurvePoints points = curve.points();
  ASSERT_EQ(points.count, 8u);
  EXPECT_EQ(points.points[0].budget_bytes, 1u << 20);
  EXPECT_EQ(points.points[7].budget_bytes, 128u << 20);
  const HitCurvePoints large = HitCurve(4324, 203'000'000'000, 0).points();
  EXPECT_EQ(large.count, HitCurvePoints::kMax);
  EXPECT_EQ(large.points[17].budget_bytes, 256ull << 30);
}

TEST(HitCurve, IsFlatWhereEverythingFits) {
  HitCurve curve(1024, 64 << 20, 0);
  for (int round = 0; round < 10; ++round) {
    for (std::uint64_t n = 0; n < 8000; ++n) curve.access(hash_of(n));  // 8 MiB
  }
  const HitCurvePoints points = curve.points();
  EXPECT_EQ(points.lookups, 80000);
  EXPECT_LT(points.at(1 << 20), 0.2);
  EXPECT_NEAR(points.at(16 << 20), 0.9, 0.01);
  EXPECT_NEAR(points.at(64 << 20), 0.9, 0.01);
  EXPECT_EQ(points.at(1ull << 40), points.at(64 << 20));
  EXPECT_EQ(points.at(1), points.points[0].hit_rate);
  const double between = points.at(6 << 20);
  EXPECT_GE(between, points.at(4 << 20));
  EXPECT_LE(between, points.at(8 << 20));
}

TEST(HitCurve, OneVeryCommonKeyDoesNotTurnTheSample) {
  // Half of all look-ups are one n-gram; each sample either holds it or not.
  HitCurve curve(4324, 4ull << 30, 0);
  std::mt19937_64 random(1);
  for (int i = 0; i < 400000; ++i) {
    curve.access(i % 2 == 0 ? hash_of(7) : hash_of(1000 + random() % 100'000'000));
  }
  const HitCurvePoints points = curve.points();
  for (std::size_t i = 0; i < points.count; ++i) {
    EXPECT_NEAR(points.points[i].hit_rate, 0.5, 0.02) << points.points[i].budget_bytes;
  }
}

TEST(HitCurve, ForgetsWhatIsOld) {
  HitCurve curve(1024, 64 << 20, 10000);
  for (std::uint64_t n = 0; n < 100000; ++n) curve.access(hash_of(n));
  EXPECT_LT(curve.points().at(64 << 20), 0.01);
  for (int i = 0; i < 100000; ++i) curve.access(hash_of(100000));
  EXPECT_GT(curve.points().at(64 << 20), 0.99);
  EXPECT_LE(curve.points().lookups, 20000);
  curve.forget_counts();
  EXPECT_EQ(curve.points().lookups, 0);
}

TEST(HitCurve, WhatWasPreloadedIsAHitAndNoLookup) {
  HitCurve curve(1024, 8 << 20, 0);
  for (std::uint64_t n = 0; n < 1000; ++n) curve.preload(hash_of(n));
  EXPECT_EQ(curve.points().lookups, 0);
  for (std::uint64_t n = 0; n < 1000; ++n) curve.access(hash_of(n));
  EXPECT_GT(curve.points().at(8 << 20), 0.99);
}

}  // namespace
}  // namespace mneme
