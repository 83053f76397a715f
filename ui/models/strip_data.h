// SPDX-License-Identifier: Apache-2.0
// The measures of a branch as columns of running sums, so that the mean over any stretch of tokens
// costs the same, and of peaks of blocks, so that the peak costs little: what the strip paints
// from. Grows with the branch. UI thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <vector>

#include "engram/tier_stats.h"
#include "ui/models/branch_trace.h"

namespace mneme {

class StripData {
 public:
  static constexpr int kTiers = 4;
  static constexpr int kBins = 1000;  // of the gate histogram behind the threshold's count

  void clear();
  // Takes in tokens [size(), trace.size()).
  void extend(const BranchTrace& trace);

  int size() const { return m_size; }
  int layers() const { return m_layers; }  // the most that any record has

  // Mean over the tokens [first, end) that have the measure; none if no token has. A layer's gate
  // or write is the maximum over its streams.
  std::optional<double> gate(int layer, int first, int end) const;
  std::optional<double> write(int first, int end) const;  // maximum over layers
  std::optional<double> probability(int first, int end) const;
  // What stands out among them: the largest, and of the probabilities the smallest.
  std::optional<double> gatePeak(int layer, int first, int end) const;
  std::optional<double> writePeak(int first, int end) const;
  std::optional<double> probabilityPeak(int first, int end) const;
  // How many tokens of [first, end) had each tier as their slowest.
  std::array<int, kTiers> tiers(int first, int end) const;
  // Share of template tokens, which are shown muted.
  double templateShare(int first, int end) const;
  // The largest gate, as threshold and minimap see it.
  std::optional<double> gateMax(int first, int end) const { return m_gateMax.mean(first, end); }
  std::optional<double> gateMaxPeak(int first, int end) const { return m_gateMax.peak(first, end); }
  int withGate() const;               // tokens that have a gate
  int above(double threshold) const;  // tokens whose largest gate is above it

 private:
  // Running sums of a measure and of how many tokens have it.
  struct Column {
    static constexpr int kBlock = 64;  // tokens
    double sign = 1;                   // -1: the smallest value is the peak
    std::vector<double> sums{0.0};
    std::vector<std::int32_t> counts{0};
    std::vector<double> peaks;  // of each block, times the sign
    void add(std::optional<double> value);
    std::optional<double> mean(int first, int end) const;
    std::optional<double> peak(int first, int end) const;
  };
  void addRecord(const TraceRecord& record);

  int m_size = 0;
  int m_layers = 0;
  std::vector<Column> m_gates;  // [layers]
  Column m_gateMax;
  Column m_write;
  Column m_probability{.sign = -1};
  std::array<std::vector<std::int32_t>, kTiers> m_tiers;
  std::vector<std::int32_t> m_template;
  std::array<std::int32_t, kBins + 1> m_histogram{};
};

}  // namespace mneme
