// SPDX-License-Identifier: Apache-2.0
// Ratios of two things measured side by side, on a machine whose speed moves.
#pragma once

#include <span>
#include <vector>

namespace mneme {

double median(std::vector<double> values);  // not empty

struct PairedRatio {
  double ratio = 0;  // median over the rounds of a[i] / b[i]
  double low = 0;    // bootstrap interval of that median, 95 %
  double high = 0;
};

// One pair a round, at least one. Always the same result for the same numbers.
PairedRatio paired_ratio(std::span<const double> a, std::span<const double> b);

}  // namespace mneme
