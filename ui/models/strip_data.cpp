// SPDX-License-Identifier: Apache-2.0
#include "ui/models/strip_data.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "base/check.h"

namespace mneme {
namespace {

double finite(double value) {
  return std::isfinite(value) ? value : 0.0;
}

}  // namespace

void StripData::Column::add(std::optional<double> value) {
  if (counts.size() % kBlock == 1) peaks.push_back(-std::numeric_limits<double>::infinity());
  if (value) peaks.back() = std::max(peaks.back(), sign * *value);
  sums.push_back(sums.back() + value.value_or(0.0));
  counts.push_back(counts.back() + (value ? 1 : 0));
}

std::optional<double> StripData::Column::mean(int first, int end) const {
  DCHECK(first >= 0 && first <= end && end < static_cast<int>(sums.size()));
  const auto a = static_cast<std::size_t>(first);
  const auto b = static_cast<std::size_t>(end);
  const std::int32_t count = counts[b] - counts[a];
  if (count == 0) return std::nullopt;
  return (sums[b] - sums[a]) / count;
}

std::optional<double> StripData::Column::peak(int first, int end) const {
  DCHECK(first >= 0 && first <= end && end < static_cast<int>(sums.size()));
  double most = -std::numeric_limits<double>::infinity();
  for (int i = first; i < end;) {
    const auto at = static_cast<std::size_t>(i);
    if (i % kBlock == 0 && i + kBlock <= end) {
      most = std::max(most, peaks[at / kBlock]);
      i += kBlock;
      continue;
    }
    if (counts[at + 1] > counts[at]) most = std::max(most, sign * (sums[at + 1] - sums[at]));
    ++i;
  }
  return std::isfinite(most) ? std::optional(sign * most) : std::nullopt;
}

void StripData::clear() {
  *this = StripData();
}

void StripData::extend(const BranchTrace& trace) {
  if (m_size == 0) {
    for (auto& column : m_tiers) column.assign(1, 0);
    m_template.assign(1, 0);
  }
  for (; m_size < trace.size(); ++m_size) addRecord(trace.recordAt(m_size));
}

void StripData::addRecord(const TraceRecord& record) {
  const int layers = record.shape().layers;
  while (m_layers < layers) {
    // A layer seen for the first time: the tokens before have none.
    Column column;
    for (int i = 0; i < m_size; ++i) column.add(std::nullopt);
    m_gates.push_back(std::move(column));
    ++m_layers;
  }
  for (int layer = 0; layer < m_layers; ++layer) {
    m_gates[static_cast<std::size_t>(layer)].add(
        layer < layers ? std::optional(finite(record.gate_max(layer))) : std::nullopt);
  }
  std::optional<double> gate;
  if (layers > 0) gate = std::clamp(finite(record.gate_max()), 0.0, 1.0);
  m_gateMax.add(gate);
  if (gate) ++m_histogram[static_cast<std::size_t>(*gate * kBins)];
  m_write.add(layers > 0 ? std::optional(finite(record.write_max())) : std::nullopt);
  m_probability.add(record.header().top_count > 0
                        ? std::optional(finite(std::exp(double{record.header().log_prob})))
                        : std::nullopt);
  const bool tiered = layers > 0 && record.shape().orders > 0;
  const int slowest = tiered ? static_cast<int>(record.slowest_tier()) : -1;
  for (int tier = 0; tier < kTiers; ++tier) {
    auto& column = m_tiers[static_cast<std::size_t>(tier)];
    column.push_back(column.back() + (tier == slowest ? 1 : 0));
  }
  m_template.push_back(m_template.back() +
                       (record.header().source == TokenSource::template_text ? 1 : 0));
}

std::optional<double> StripData::gate(int layer, int first, int end) const {
  return m_gates[static_cast<std::size_t>(layer)].mean(first, end);
}

std::optional<double> StripData::write(int first, int end) const {
  return m_write.mean(first, end);
}

std::optional<double> StripData::probability(int first, int end) const {
  return m_probability.mean(first, end);
}

std::optional<double> StripData::gatePeak(int layer, int first, int end) const {
  return m_gates[static_cast<std::size_t>(layer)].peak(first, end);
}

std::optional<double> StripData::writePeak(int first, int end) const {
  return m_write.peak(first, end);
}

std::optional<double> StripData::probabilityPeak(int first, int end) const {
  return m_probability.peak(first, end);
}

std::array<int, StripData::kTiers> StripData::tiers(int first, int end) const {
  std::array<int, kTiers> counts{};
  for (std::size_t tier = 0; tier < kTiers; ++tier) {
    counts[tier] = m_tiers[tier][static_cast<std::size_t>(end)] -
                   m_tiers[tier][static_cast<std::size_t>(first)];
  }
  return counts;
}

double StripData::templateShare(int first, int end) const {
  if (end <= first) return 0;
  return double(m_template[static_cast<std::size_t>(end)] -
                m_template[static_cast<std::size_t>(first)]) /
         (end - first);
}

int StripData::withGate() const {
  return m_gateMax.counts.back();
}

int StripData::above(double threshold) const {
  const int from = std::clamp(static_cast<int>(std::floor(threshold * kBins)), 0, kBins);
  int count = 0;
  for (int bin = from; bin <= kBins; ++bin) count += m_histogram[static_cast<std::size_t>(bin)];
  return count;
}

}  // namespace mneme
