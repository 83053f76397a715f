// SPDX-License-Identifier: Apache-2.0
// Rows that can be computed from their place: tables of any size whose every byte can be checked
// without a second copy. They cannot be compressed, hold no NaN, and have a root mean square of
// about 1/16. Pure; the same on every machine.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>

#include "base/ids.h"

namespace mneme {

// One row of `width` e4m3 values and their e8m0 scales, out.size() == width + width / 32; without
// the scales where out.size() == width.
void synth_row(std::uint64_t seed, std::int32_t layer, RowId row, std::uint32_t width,
               std::span<std::byte> out);

}  // namespace mneme
