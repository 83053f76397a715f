// SPDX-License-Identifier: Apache-2.0
// Values of weights and tables of any type, one by one: for what is no product of many.
#pragma once

#include "gpu/cuda/module/blocks.cuh"
#include "gpu/cuda/module/k_quants.cuh"

namespace mneme {

// Value `i` of a row of any element type.
__device__ __forceinline__ float value_at(std::int32_t element, const unsigned char* row,
                                          std::int64_t i) {
  switch (element) {
    case kF32:
      return reinterpret_cast<const float*>(row)[i];
    case kF16:
      return half_to_float(load_u16(row + 2 * i));
    case kBf16:
      return bfloat_to_float(load_u16(row + 2 * i));
    case kQ8_0: {
      const unsigned char* block = row + i / 32 * 34;
      return half_to_float(load_u16(block)) *
             static_cast<float>(static_cast<signed char>(block[2 + i % 32]));
    }
    case kQ4_K:
      return k_value<kQ4_K>(row + i / 256 * Block<kQ4_K>::kBytes, static_cast<int>(i % 256));
    case kQ5_K:
      return k_value<kQ5_K>(row + i / 256 * Block<kQ5_K>::kBytes, static_cast<int>(i % 256));
    case kQ6_K:
      return k_value<kQ6_K>(row + i / 256 * Block<kQ6_K>::kBytes, static_cast<int>(i % 256));
    default: {
      const bool offset = element == kQ4_1;
      const unsigned char* block = row + i / 32 * (offset ? 20 : 18);
      const unsigned byte = block[(offset ? 4 : 2) + i % 16];
      const auto nibble = static_cast<float>(i % 32 < 16 ? byte & 15u : byte >> 4);
      const float scale = half_to_float(load_u16(block));
      return offset ? scale * nibble + half_to_float(load_u16(block + 2)) : scale * (nibble - 8.0f);
    }
  }
}

}  // namespace mneme
