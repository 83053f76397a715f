// SPDX-License-Identifier: Apache-2.0
#include "inference/run/logit_statistics.h"

#include <algorithm>
#include <cmath>
#include <cstddef>

#include "base/check.h"

namespace mneme {

void RunningMean::add(double value) {
  ++count_;
  const double from_mean = value - mean_;
  mean_ += from_mean / static_cast<double>(count_);
  squares_ += from_mean * (value - mean_);
}

double RunningMean::standard_error() const {
  if (count_ < 2) return 0;
  const auto n = static_cast<double>(count_);
  return std::sqrt(squares_ / (n - 1) / n);
}

double log_probability(std::span<const float> logits, TokenId token) {
  CHECK(token >= 0 && static_cast<std::size_t>(token) < logits.size());
  const double max = *std::ranges::max_element(logits);
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max);
  return logits[static_cast<std::size_t>(token)] - max - std::log(sum);
}

LogitDifference compare_logits(std::span<const float> a, std::span<const float> b, TokenId token) {
  CHECK(token >= 0 && static_cast<std::size_t>(token) < a.size() && a.size() == b.size());
  const auto best_a = std::ranges::max_element(a);
  const auto best_b = std::ranges::max_element(b);
  const double max_a = *best_a;
  const double max_b = *best_b;
  double sum_a = 0, sum_b = 0, weighted = 0;  // of exp(a), of exp(b), of exp(a) (a - b)
  double aa = 0, bb = 0, ab = 0;
  LogitDifference result;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const double x = a[i];
    const double y = b[i];
    const double weight = std::exp(x - max_a);
    sum_a += weight;
    sum_b += std::exp(y - max_b);
    weighted += weight * (x - y);
    aa += x * x;
    bb += y * y;
    ab += x * y;
    result.largest = std::max(result.largest, std::abs(x));
    result.largest_difference = std::max(result.largest_difference, std::abs(x - y));
  }
  const double log_sum_a = max_a + std::log(sum_a);
  const double log_sum_b = max_b + std::log(sum_b);
  const auto next = static_cast<std::size_t>(token);
  result.log_prob_a = a[next] - log_sum_a;
  result.log_prob_b = b[next] - log_sum_b;
  // The sum of p (log p - log q); rounding may leave a trace below 0.
  result.kl = std::max(0.0, weighted / sum_a - log_sum_a + log_sum_b);
  result.best_a = static_cast<TokenId>(best_a - a.begin());
  result.best_b = static_cast<TokenId>(best_b - b.begin());
  if (aa > 0 && bb > 0) result.cosine = ab / std::sqrt(aa * bb);
  return result;
}

}  // namespace mneme
