// SPDX-License-Identifier: Apache-2.0
// Values of weights and tables of any type, one by one: for what is no product of many.
#pragma once

#include "gpu/cuda/module/blocks.cuh"
#include "gpu/cuda/module/k_quants.cuh"

namespace mneme {

// Value i of a block of 32.
template <Element E>
__device__ __forceinline__ float block_value(const unsigned char* block, int i) {
  using Layout = Block<E>;
  const float scale = half_to_float(load_u16(block));
  const unsigned char* codes = block + Layout::kCodesAt;
  if constexpr (Layout::kBits == 8) {
    return scale * static_cast<float>(static_cast<signed char>(codes[i]));
  } else {
    int code = codes[i % 16] >> (i < 16 ? 0 : 4) & 15;
    if constexpr (Layout::kBits == 5) code |= (codes[i / 8 - 4] >> i % 8 & 1) << 4;
    const float product = scale * static_cast<float>(code - Layout::kZero);
    return Layout::kMinimum ? product + half_to_float(load_u16(block + 2)) : product;
  }
}

// Value `i` of a row of any element type.
__device__ __forceinline__ float value_at(std::int32_t element, const unsigned char* row,
                                          std::int64_t i) {
  switch (element) {
    case kF32:
      return reinterpret_cast<const float*>(row)[i];
    case kF16:
      return half_to_float(load_u16(row + 2 * i));
    case kBF16:
      return bfloat_to_float(load_u16(row + 2 * i));
#define X(name, ...) \
  case k##name:      \
    return block_value<k##name>(row + i / 32 * Block<k##name>::kBytes, static_cast<int>(i % 32));
      MNEME_BLOCK_TYPES(X)
#undef X
#define X(name, ...) \
  case k##name:      \
    return k_value<k##name>(row + i / 256 * Block<k##name>::kBytes, static_cast<int>(i % 256));
      MNEME_K_QUANT_TYPES(X)
#undef X
    default:
      return 0;  // integers: refused when the plan was made
  }
}

}  // namespace mneme
