// SPDX-License-Identifier: Apache-2.0
// Cosines and sines of positions, made on the host in double precision: kernels only multiply.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "gpu/op.h"
#include "gpu/step.h"

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

// For each token of the runs, rows `stride` floats apart: cosines, then sines of its position's
// angles, times the magnitude.
void fill_rope_rows(const RopeAngles& angles, std::span<const SequenceRun> runs, float* rows,
                    std::size_t stride);

}  // namespace mneme
