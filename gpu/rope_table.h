// SPDX-License-Identifier: Apache-2.0
// Cosines and sines of positions, made on the host in double precision: kernels only multiply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/op.h"

namespace mneme {

// How a rope op turns its pairs; ops that turn them alike share a table of rows.
struct RopeAngles {
  std::vector<double> frequencies;  // [dims / 2], radians per position
  double magnitude = 1;

  // `factors`: what each frequency is divided by; empty = 1.
  static RopeAngles of(const RopeParams& params, std::span<const float> factors);
  std::size_t row_floats() const { return 2 * frequencies.size(); }
  friend bool operator==(const RopeAngles&, const RopeAngles&) = default;
};

// rows [tokens, row_floats()]: cosines, then sines of position + t, times the magnitude.
void fill_rope_rows(const RopeAngles& angles, std::int64_t position, std::int64_t tokens,
                    float* rows);

}  // namespace mneme
