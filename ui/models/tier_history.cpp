// SPDX-License-Identifier: Apache-2.0
#include "ui/models/tier_history.h"

#include <algorithm>

#include "base/check.h"

namespace mneme {
namespace {

constexpr std::int64_t kSecondMs = 1000;
constexpr std::size_t kSamplesMax = 64;

LatencyHistogram difference(const LatencyHistogram& now, const LatencyHistogram& before) {
  LatencyHistogram result;
  for (std::size_t b = 0; b < result.counts.size(); ++b) {
    result.counts[b] = now.counts[b] - before.counts[b];
  }
  return result;
}

bool wentBack(const TierStats& now, const TierStats& before) {
  return now.lookups < before.lookups || now.reads < before.reads || now.hits < before.hits ||
         now.table_bytes != before.table_bytes;
}

}  // namespace

void TierHistory::clear() {
  *this = TierHistory();
}

void TierHistory::add(const TierStats& stats, std::int64_t nowMs) {
  if (m_started && wentBack(stats, m_latest)) clear();
  const std::int64_t number = nowMs / kBinMs;
  if (!m_started) {
    m_started = true;
    m_binNumber = number;
    m_latest = stats;
  }
  for (std::int64_t steps = std::min<std::int64_t>(number - m_binNumber, kBins); steps > 0;
       --steps) {
    m_present = (m_present + 1) % kBins;
    m_bins[static_cast<std::size_t>(m_present)] = {};
  }
  m_binNumber = std::max(m_binNumber, number);
  Bin& bin = m_bins[static_cast<std::size_t>(m_present)];
  bin.lookups += stats.lookups - m_latest.lookups;
  bin.hits += stats.hits - m_latest.hits;
  for (std::size_t tier = 0; tier < kTierCount; ++tier) {
    bin.served[tier] += stats.served[tier] - m_latest.served[tier];
  }
  bin.reads += stats.reads - m_latest.reads;
  bin.bytesRead += stats.bytes_read - m_latest.bytes_read;
  bin.evictions += stats.evictions - m_latest.evictions;
  bin.bytesUsed = stats.bytes_used;
  bin.budgetBytes = stats.budget_bytes;
  const LatencyHistogram latency = difference(stats.read_latency, m_latest.read_latency);
  for (std::size_t b = 0; b < latency.counts.size(); ++b)
    bin.latency.counts[b] += latency.counts[b];
  m_latest = stats;

  m_second.push_back({nowMs, stats});
  while (m_second.size() > 2 &&
         (nowMs - m_second.front().ms > kSecondMs || m_second.size() > kSamplesMax)) {
    m_second.pop_front();
  }
}

const TierHistory::Bin& TierHistory::bin(int index) const {
  DCHECK(index >= 0 && index < kBins);
  return m_bins[static_cast<std::size_t>((m_present + 1 + index) % kBins)];
}

TierHistory::Rates TierHistory::rates() const {
  Rates rates;
  if (m_second.size() < 2) return rates;
  const Sample& from = m_second.front();
  const Sample& to = m_second.back();
  const double seconds = static_cast<double>(to.ms - from.ms) / 1000;
  if (seconds <= 0) return rates;
  const std::uint64_t lookups = to.stats.lookups - from.stats.lookups;
  if (lookups > 0) {
    rates.hitShare =
        static_cast<double>(to.stats.hits - from.stats.hits) / static_cast<double>(lookups);
  }
  rates.stallShare =
      std::min(1.0, static_cast<double>(to.stats.stall_us - from.stats.stall_us) / 1e6 / seconds);
  rates.readsPerSecond = static_cast<double>(to.stats.reads - from.stats.reads) / seconds;
  rates.bytesPerSecond = static_cast<double>(to.stats.bytes_read - from.stats.bytes_read) / seconds;
  const LatencyHistogram latency = difference(to.stats.read_latency, from.stats.read_latency);
  if (latency.total() > 0) {
    rates.latencyP50 = latency.quantile(0.5);
    rates.latencyP99 = latency.quantile(0.99);
  }
  return rates;
}

}  // namespace mneme
