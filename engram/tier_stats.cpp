// SPDX-License-Identifier: Apache-2.0
#include "engram/tier_stats.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace mneme {

int LatencyHistogram::bucket(double microseconds) {
  int bucket = 0;  // anything below a microsecond, and a clock that went nowhere
  if (microseconds > 1) bucket = static_cast<int>(std::min(2 * std::log2(microseconds), 1e3));
  return std::min(bucket, kBuckets - 1);
}

void LatencyHistogram::add(double microseconds) {
  ++counts[static_cast<std::size_t>(bucket(microseconds))];
}

double LatencyHistogram::quantile(double q) const {
  const std::uint64_t all = total();
  if (all == 0) return 0;
  const double wanted = std::clamp(q, 0.0, 1.0) * static_cast<double>(all);
  double seen = 0;
  int last = 0;
  for (int bucket = 0; bucket < kBuckets; ++bucket) {
    const std::uint64_t count = counts[static_cast<std::size_t>(bucket)];
    if (count == 0) continue;
    last = bucket;
    seen += static_cast<double>(count);
    if (seen >= wanted) break;
  }
  return std::exp2((last + 1) / 2.0);
}

std::uint64_t LatencyHistogram::total() const {
  return std::accumulate(counts.begin(), counts.end(), std::uint64_t{0});
}

double HitCurvePoints::at(std::uint64_t budget_bytes) const {
  if (count == 0) return 0;
  const auto* const end = points.data() + count;
  const auto* const above = std::lower_bound(
      points.data(), end, budget_bytes,
      [](const CurvePoint& point, std::uint64_t bytes) { return point.budget_bytes < bytes; });
  if (above == points.data()) return above->hit_rate;
  if (above == end) return end[-1].hit_rate;
  const CurvePoint& below = above[-1];
  const double share =
      std::log2(static_cast<double>(budget_bytes) / static_cast<double>(below.budget_bytes)) /
      std::log2(static_cast<double>(above->budget_bytes) / static_cast<double>(below.budget_bytes));
  return below.hit_rate + share * (above->hit_rate - below.hit_rate);
}

std::vector<TierCounters> tier_counters(const TierStats& stats) {
  const auto served = [&](Tier tier) { return stats.served[static_cast<std::size_t>(tier)]; };
  const std::uint64_t storage = served(Tier::ssd_in_time) + served(Tier::ssd_late);
  std::vector<TierCounters> tiers{{.tier = Tier::ram,
                                   .asked = served(Tier::ram) + storage,
                                   .served = served(Tier::ram),
                                   .evicted = stats.evictions,
                                   .bytes = stats.bytes_used,
                                   .room = stats.budget_bytes},
                                  {.tier = Tier::ssd_in_time,
                                   .asked = storage,
                                   .served = storage,
                                   .bytes = stats.table_bytes,
                                   .room = stats.table_bytes}};
  if (stats.device.room == 0) return tiers;
  tiers.insert(tiers.begin(), {.tier = Tier::device,
                               .asked = served(Tier::device) + served(Tier::ram) + storage,
                               .served = served(Tier::device),
                               .evicted = stats.device.evictions,
                               .bytes = stats.device.bytes,
                               .room = stats.device.room});
  return tiers;
}

std::vector<Tier> present_tiers(const TierStats& stats) {
  std::vector<Tier> tiers{Tier::ram, Tier::ssd_in_time, Tier::ssd_late};
  if (stats.device.room > 0) tiers.insert(tiers.begin(), Tier::device);
  return tiers;
}

double served_without_storage(const TierStats& stats) {
  const auto all = std::accumulate(stats.served.begin(), stats.served.end(), std::uint64_t{0});
  if (all == 0) return -1;
  const std::uint64_t near = stats.served[static_cast<std::size_t>(Tier::device)] +
                             stats.served[static_cast<std::size_t>(Tier::ram)];
  return static_cast<double>(near) / static_cast<double>(all);
}

std::string storage_label(const TierStats& stats) {
  return stats.storage == StorageKind::direct ? "SSD" : "file (cached by the system)";
}

std::string tier_label(Tier tier, const TierStats& stats) {
  switch (tier) {
    case Tier::device:
      return "device";
    case Tier::ram:
      return "RAM";
    case Tier::ssd_in_time:
      return storage_label(stats);
    case Tier::ssd_late:
      return storage_label(stats) + " late";
  }
  return "?";
}

}  // namespace mneme
