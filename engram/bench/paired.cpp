// SPDX-License-Identifier: Apache-2.0
#include "engram/bench/paired.h"

#include <algorithm>
#include <random>

#include "base/check.h"

namespace mneme {

double median(std::vector<double> values) {
  CHECK(!values.empty());
  std::ranges::sort(values);
  const std::size_t n = values.size();
  return n % 2 == 1 ? values[n / 2] : (values[n / 2 - 1] + values[n / 2]) / 2;
}

PairedRatio paired_ratio(std::span<const double> a, std::span<const double> b) {
  CHECK(a.size() == b.size() && !a.empty());
  constexpr std::size_t kDraws = 2000;
  std::vector<double> ratios;
  for (std::size_t i = 0; i < a.size(); ++i) ratios.push_back(a[i] / b[i]);
  std::mt19937_64 random(1);
  std::vector<double> medians;
  std::vector<double> drawn(ratios.size());
  for (std::size_t draw = 0; draw < kDraws; ++draw) {
    for (double& value : drawn) value = ratios[random() % ratios.size()];
    medians.push_back(median(drawn));
  }
  std::ranges::sort(medians);
  return {median(ratios), medians[kDraws * 25 / 1000], medians[kDraws * 975 / 1000 - 1]};
}

}  // namespace mneme
