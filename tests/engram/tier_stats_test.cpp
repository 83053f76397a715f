// SPDX-License-Identifier: Apache-2.0
#include "engram/tier_stats.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>

namespace mneme {
namespace {

TEST(LatencyHistogram, PutsEachLatencyIntoItsHalfOctave) {
  for (const double latency_us : {1.0, 1.3, 1.5, 2.0, 47.0, 100.0, 1e3, 65536.0, 1e6}) {
    LatencyHistogram histogram;
    histogram.add(latency_us);
    for (int b = 0; b < LatencyHistogram::kBuckets; ++b) {
      const bool inside = latency_us >= std::exp2(b / 2.0) && latency_us < std::exp2((b + 1) / 2.0);
      EXPECT_EQ(histogram.counts[static_cast<std::size_t>(b)], inside ? 1u : 0u)
          << latency_us << " us, bucket " << b;
    }
  }
}

TEST(LatencyHistogram, ClampsWhatNoBucketHolds) {
  LatencyHistogram histogram;
  histogram.add(0);
  histogram.add(-5);
  histogram.add(0.2);
  histogram.add(1e30);
  histogram.add(std::numeric_limits<double>::infinity());
  EXPECT_EQ(histogram.counts.front(), 3u);
  EXPECT_EQ(histogram.counts.back(), 2u);
  EXPECT_EQ(histogram.total(), 5u);
}

TEST(LatencyHistogram, QuantileIsTheUpperEdgeOfItsBucket) {
  LatencyHistogram histogram;
  EXPECT_EQ(histogram.quantile(0.5), 0);
  for (int i = 0; i < 98; ++i) histogram.add(50);
  histogram.add(5000);
  histogram.add(5000);
  EXPECT_DOUBLE_EQ(histogram.quantile(0.5), std::exp2(6.0));
  EXPECT_DOUBLE_EQ(histogram.quantile(0.98), std::exp2(6.0));
  EXPECT_DOUBLE_EQ(histogram.quantile(0.99), std::exp2(12.5));
  EXPECT_DOUBLE_EQ(histogram.quantile(1), std::exp2(12.5));
}

TEST(TierStats, SaysSsdOnlyOfDirectReads) {
  TierStats stats;
  stats.storage = StorageKind::direct;
  EXPECT_EQ(storage_label(stats), "SSD");
  stats.storage = StorageKind::cached;
  EXPECT_EQ(storage_label(stats), "file (cached by the system)");
}

TEST(TierStats, CountsEveryTierTheSameWay) {
  TierStats stats;
  EXPECT_LT(served_without_storage(stats), 0) << "nothing was asked for";
  stats.served = {0, 60, 30, 10};
  stats.evictions = 5;
  stats.bytes_used = 700;
  stats.budget_bytes = 1000;
  stats.table_bytes = 9000;
  const auto tiers = tier_counters(stats);
  ASSERT_EQ(tiers.size(), 2u);
  EXPECT_EQ(tiers[0].tier, Tier::ram);
  EXPECT_EQ(tiers[0].asked, 100u);
  EXPECT_EQ(tiers[0].served, 60u);
  EXPECT_EQ(tiers[0].evicted, 5u);
  EXPECT_EQ(tiers[0].bytes, 700u);
  EXPECT_EQ(tiers[0].room, 1000u);
  EXPECT_EQ(tiers[1].asked, 40u) << "what RAM did not have";
  EXPECT_EQ(tiers[1].served, 40u);
  EXPECT_EQ(tiers[1].bytes, 9000u);
  EXPECT_DOUBLE_EQ(served_without_storage(stats), 0.6);
  // A device in front of RAM takes away from what RAM is asked for, not from the overall share.
  stats.served = {50, 10, 30, 10};
  EXPECT_DOUBLE_EQ(served_without_storage(stats), 0.6);
  stats.device = {.entries = 4, .bytes = 400, .room = 500, .evictions = 7, .off = {}};
  const auto with_device = tier_counters(stats);
  ASSERT_EQ(with_device.size(), 3u);
  EXPECT_EQ(with_device[0].tier, Tier::device);
  EXPECT_EQ(with_device[0].asked, 100u);
  EXPECT_EQ(with_device[0].served, 50u);
  EXPECT_EQ(with_device[0].evicted, 7u);
  EXPECT_EQ(with_device[0].bytes, 400u);
  EXPECT_EQ(with_device[0].room, 500u);
  EXPECT_EQ(with_device[1].asked, 50u) << "what the device did not have";
  EXPECT_EQ(with_device[2].asked, 40u);
}

}  // namespace
}  // namespace mneme
