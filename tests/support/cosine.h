// SPDX-License-Identifier: Apache-2.0
// How alike the directions of two rows of logits are: 1 = the same.
#pragma once

#include <cmath>
#include <span>

namespace mneme {

inline double norm_of(std::span<const float> x) {
  double sum = 0;
  for (const float v : x) sum += double{v} * v;
  return std::sqrt(sum);
}

inline double cosine_of(std::span<const float> a, std::span<const float> b) {
  double sum = 0;
  for (std::size_t i = 0; i < a.size(); ++i) sum += double{a[i]} * b[i];
  return sum / norm_of(a) / norm_of(b);
}

}  // namespace mneme
