// SPDX-License-Identifier: Apache-2.0
// The last minute of the table store's counters as differences: what the tiers view draws. Fed ten
// times a second; bounded. UI thread.
#pragma once

#include <array>
#include <cstdint>
#include <deque>

#include "engram/tier_stats.h"

namespace mneme {

class TierHistory {
 public:
  static constexpr int kBins = 120;
  static constexpr std::int64_t kBinMs = 500;

  // What happened during one bin.
  struct Bin {
    std::uint64_t lookups = 0;
    std::uint64_t hits = 0;
    std::array<std::uint64_t, kTierCount> served{};  // (n-gram, layer) pairs by [Tier]
    std::uint64_t reads = 0;
    std::uint64_t bytesRead = 0;
    std::uint64_t evictions = 0;
    std::uint64_t bytesUsed = 0;    // at its end
    std::uint64_t budgetBytes = 0;  // at its end; 0 = the bin was not measured
    LatencyHistogram latency;
  };
  // Rates of the last second (or less, right after the start).
  struct Rates {
    double hitShare = -1;   // -1: nothing was looked up
    double stallShare = 0;  // of the time, that a layer waited for rows
    double readsPerSecond = 0;
    double bytesPerSecond = 0;
    double latencyP50 = 0;  // microseconds; 0 = no reads
    double latencyP99 = 0;
  };

  void clear();
  // `nowMs`: any clock that only goes forward. Counters that went back mean another store: all that
  // was kept is dropped.
  void add(const TierStats& stats, std::int64_t nowMs);

  // [0] is the oldest, [kBins - 1] the present one.
  const Bin& bin(int index) const;
  Rates rates() const;
  const TierStats& latest() const { return m_latest; }

 private:
  struct Sample {
    std::int64_t ms = 0;
    TierStats stats;
  };
  std::array<Bin, kBins> m_bins{};
  std::int64_t m_binNumber = 0;  // of the present bin: time / kBinMs
  int m_present = 0;             // its place in the ring
  std::deque<Sample> m_second;   // samples of the last second
  TierStats m_latest;
  bool m_started = false;
};

}  // namespace mneme
