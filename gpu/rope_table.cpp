// SPDX-License-Identifier: Apache-2.0
#include "gpu/rope_table.h"

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

void fill_rope_rows(const RopeAngles& angles, std::int64_t position, std::int64_t tokens,
                    float* rows) {
  const std::size_t pairs = angles.frequencies.size();
  for (std::int64_t t = 0; t < tokens; ++t) {
    float* row = rows + static_cast<std::size_t>(t) * 2 * pairs;
    for (std::size_t i = 0; i < pairs; ++i) {
      const double angle = static_cast<double>(position + t) * angles.frequencies[i];
      row[i] = static_cast<float>(std::cos(angle) * angles.magnitude);
      row[pairs + i] = static_cast<float>(std::sin(angle) * angles.magnitude);
    }
  }
}

}  // namespace mneme
