// SPDX-License-Identifier: Apache-2.0
// Cosines and sines of positions, made on the host in double precision: kernels only multiply.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "gpu/op.h"

namespace mneme {

// Radians per position of each pair of a rope op, [dims / 2]. `factors` is empty or as long.
std::vector<double> rope_frequencies(const RopeParams& params, std::span<const float> factors);

// rows [tokens, 2 * frequencies]: cosines, then sines of position + t.
void fill_rope_rows(std::span<const double> frequencies, std::int64_t position, std::int64_t tokens,
                    float* rows);

}  // namespace mneme
