// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/rope_table.h"

#include <cmath>
#include <cstddef>

namespace mneme {

RopeAngles RopeAngles::of(const RopeParams& params, std::span<const float> factors) {
  RopeAngles angles;
  angles.magnitude = static_cast<double>(params.magnitude);
  for (std::size_t i = 0; i < static_cast<std::size_t>(params.dims / 2); ++i) {
    const double exponent = -2.0 * static_cast<double>(i) / params.dims;
    const double frequency = std::pow(static_cast<double>(params.base), exponent);
    angles.frequencies.push_back(factors.empty() ? frequency : frequency / factors[i]);
  }
  return angles;
}

void fill_rope_rows(const RopeAngles& angles, std::span<const SequenceRun> runs, float* rows,
                    std::size_t stride) {
  const std::size_t pairs = angles.frequencies.size();
  for (const SequenceRun& run : runs) {
    for (std::int64_t t = 0; t < run.tokens; ++t, rows += stride) {
      for (std::size_t i = 0; i < pairs; ++i) {
        const double angle = static_cast<double>(run.position + t) * angles.frequencies[i];
        rows[i] = static_cast<float>(std::cos(angle) * angles.magnitude);
        rows[pairs + i] = static_cast<float>(std::sin(angle) * angles.magnitude);
      }
    }
  }
}

}  // namespace mneme
