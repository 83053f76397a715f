// SPDX-License-Identifier: Apache-2.0
// What logits say of a text, in double: how probable a token was, and how far two models are apart.
#pragma once

#include <cstdint>
#include <span>

#include "base/ids.h"

namespace mneme {

// The mean of values that are taken for independent, and its standard error.
class RunningMean {
 public:
  void add(double value);
  std::int64_t count() const { return count_; }
  double mean() const { return mean_; }  // 0 without values
  double standard_error() const;         // 0 with fewer than two
 private:
  std::int64_t count_ = 0;
  double mean_ = 0;
  double squares_ = 0;  // the sum of (value - mean)^2
};

// log(softmax(logits)[token])
double log_probability(std::span<const float> logits, TokenId token);

// Two models at the same place of a text, over the same vocabulary.
struct LogitDifference {
  double log_prob_a = 0;  // of the token that follows
  double log_prob_b = 0;
  double kl = 0;       // KL(a||b) of the next token's distribution, nats
  TokenId best_a = 0;  // the most probable token; of several the lowest
  TokenId best_b = 0;
  double largest = 0;             // of |a|
  double largest_difference = 0;  // of |a - b|
  double cosine = 1;              // of the two rows
};
LogitDifference compare_logits(std::span<const float> a, std::span<const float> b, TokenId token);

}  // namespace mneme
