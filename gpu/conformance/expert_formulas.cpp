// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <cmath>
#include <vector>

#include "gpu/conformance/formula.h"

namespace mneme {
namespace {

// NaN is more than any number; of equal ones the first.
std::size_t highest_of(const Values& values, const std::vector<bool>& taken) {
  std::size_t best = values.size();
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (taken[i]) continue;
    if (best == values.size() || values[i] > values[best] ||
        (std::isnan(values[i]) && !std::isnan(values[best]))) {
      best = i;
    }
  }
  return best;
}

Values router_scores(const Values& logits, int scoring) {
  Values scores = logits;
  if (scoring == kSoftmax) {
    const double highest = *std::max_element(logits.begin(), logits.end());
    double sum = 0;
    for (double& x : scores) sum += x = std::exp(x - highest);
    for (double& x : scores) x /= sum;
    return scores;
  }
  for (double& x : scores) {
    x = scoring == kSigmoid ? 1 / (1 + std::exp(-x)) : std::sqrt(std::log1p(std::exp(x)));
  }
  return scores;
}

}  // namespace

std::vector<Rows> route(const View& v) {
  const RouteParams& p = v.op.params.route;
  std::vector<Rows> out{{v.op.out, {}, {}}, {v.op.out2, {}, {}}};
  const Values all = v.in(0);
  const bool bias = v.op.in.size() > 1;
  const Values offsets = bias ? v.in(1) : Values();
  const auto n = static_cast<std::size_t>(v.cols(v.op.in[0]));
  const auto size = n / static_cast<std::size_t>(p.groups);
  for (std::size_t t = 0; t < static_cast<std::size_t>(v.row_count); ++t) {
    const auto row = all.begin() + static_cast<std::ptrdiff_t>(t * n);
    const Values scores =
        router_scores(Values(row, row + static_cast<std::ptrdiff_t>(n)), p.scoring);
    Values choice = scores;
    for (std::size_t i = 0; bias && i < n; ++i) choice[i] += offsets[i];
    std::vector<bool> taken(n, p.groups_kept < p.groups);
    if (p.groups_kept < p.groups) {
      Values sums;
      for (std::size_t g = 0; g < n; g += size) {
        const Values group(choice.begin() + static_cast<std::ptrdiff_t>(g),
                           choice.begin() + static_cast<std::ptrdiff_t>(g + size));
        std::vector<bool> summed(size, false);
        double sum = 0;
        for (int k = 0; k < p.group_best; ++k) {
          const std::size_t best = highest_of(group, summed);
          sum += group[best];
          summed[best] = true;
        }
        sums.push_back(sum);
      }
      std::vector<bool> kept(sums.size(), false);
      for (int k = 0; k < p.groups_kept; ++k) {
        const std::size_t best = highest_of(sums, kept);
        kept[best] = true;
        for (std::size_t i = 0; i < size; ++i) taken[best * size + i] = false;
      }
    }
    Values weights;
    double sum = 0;
    for (int k = 0; k < p.experts; ++k) {
      const std::size_t best = highest_of(choice, taken);
      taken[best] = true;
      out[0].add(static_cast<double>(best), 0);
      weights.push_back(std::isnan(choice[best]) ? choice[best] : scores[best]);
      sum += weights.back();
    }
    for (const double weight : weights) {
      const double value = weight * (p.normalise ? p.scale / (sum + 1e-20) : p.scale);
      out[1].add(value, std::fabs(value) * 1e-5);
    }
  }
  return out;
}

Rows matmul_experts(const View& v, bool integer_activations) {
  Rows out{v.op.out, {}, {}};
  const Values x = v.in(0);
  const Values x_errors = v.errors(0);
  const Values weight = v.in(1);
  const Values ids = v.in(2);
  const std::int64_t n = v.cols(v.op.in[1]);
  const std::int64_t chosen = v.cols(v.op.in[2]);
  const std::int64_t outs = v.cols(v.op.out) / chosen;
  const std::int64_t experts = v.h.rows(v.op.in[1]) / outs;
  const bool shared = v.cols(v.op.in[0]) == n;
  for (std::int64_t pair = 0; pair < v.row_count * chosen; ++pair) {
    const auto id = static_cast<std::int64_t>(ids[static_cast<std::size_t>(pair)]);
    const std::int64_t first = (shared ? pair / chosen : pair) * n;
    for (std::int64_t o = 0; o < outs; ++o) {
      if (id < 0 || id >= experts) {
        out.add(std::nan(""), 0);
        continue;
      }
      add_product(out, x.data() + first, x_errors.data() + first,
                  weight.data() + (id * outs + o) * n, n, 0, integer_activations);
    }
  }
  return out;
}

Rows weighted_sum(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values x = v.in(0);
  const Values errors = v.errors(0);
  const Values weights = v.in(1);
  const Values weight_errors = v.errors(1);
  const std::int64_t n = v.cols(v.op.out);
  const std::int64_t parts = v.cols(v.op.in[1]);
  for (std::int64_t t = 0; t < v.row_count; ++t) {
    for (std::int64_t i = 0; i < n; ++i) {
      double sum = 0;
      double tolerance = 0;
      for (std::int64_t k = 0; k < parts; ++k) {
        const auto at = static_cast<std::size_t>((t * parts + k) * n + i);
        const auto by = static_cast<std::size_t>(t * parts + k);
        sum += weights[by] * x[at];
        tolerance += std::fabs(weights[by]) * errors[at] + std::fabs(x[at]) * weight_errors[by] +
                     std::fabs(weights[by] * x[at]) * kEps * (4 + static_cast<double>(parts));
      }
      out.add(sum, tolerance);
    }
  }
  return out;
}

}  // namespace mneme
