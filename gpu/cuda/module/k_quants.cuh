// SPDX-License-Identifier: Apache-2.0
// Blocks of 256 values of Q4_K, Q5_K and Q6_K (layouts: gpu/k_quants.h), taken apart in halves of a
// group: 16 values, whose low four bits share 16 bytes with those of one other group. A value is
// scale * code - minimum; codes of Q6_K are signed and have no minimum.
#pragma once

#include "gpu/cuda/module/blocks.cuh"

namespace mneme {

// Bytes into a block: where the low four bits of a half of a group lie, and the bits above them.
template <Element E>
__device__ __forceinline__ int low_bits_at(int group, int half) {
  if (E == kQ6_K) return group / 4 * 64 + group % 2 * 32 + half * 16;
  return (E == kQ5_K ? 48 : 16) + group / 2 * 32 + half * 16;
}
template <Element E>
__device__ __forceinline__ int high_bits_at(int group, int half) {
  return (E == kQ6_K ? 128 + group / 4 * 32 : 16) + half * 16;
}

// The group whose low bits lie above those of `group` in the same bytes.
template <Element E>
__device__ __forceinline__ int group_above(int group) {
  return group + (E == kQ6_K ? 2 : 1);
}

// Four codes as signed bytes, from four bytes of each.
template <Element E>
__device__ __forceinline__ std::uint32_t k_codes(std::uint32_t low, std::uint32_t high, int group) {
  if constexpr (E == kQ6_K) {
    const std::uint32_t codes =
        (low >> (group / 2 % 2 * 4) & 0x0f0f0f0fu) | (high >> (group % 4 * 2) & 0x03030303u) << 4;
    // 32 less in each byte: the top bit, not in use, keeps a byte from borrowing of the next.
    return ((codes | 0x80808080u) - 0x20202020u) ^ 0x80808080u;
  } else {
    const std::uint32_t codes = low >> (group % 2 * 4) & 0x0f0f0f0fu;
    return E == kQ5_K ? codes | (high >> group & 0x01010101u) << 4 : codes;
  }
}

// Scales as they are stored: in Q4_K and Q5_K a block's first 16 bytes (scale and minimum of the
// block, then twelve bytes of 6-bit numbers), in Q6_K the block's and those of a group's halves.
template <Element E>
struct StoredScales {
  std::uint32_t words[4];
};
template <>
struct StoredScales<kQ6_K> {
  std::uint16_t scale;
  std::uint16_t halves;
};

template <Element E>
__device__ __forceinline__ StoredScales<E> load_scales(const unsigned char* block, int group) {
  if constexpr (E == kQ6_K) {
    return {load_u16(block + 208), load_u16(block + 192 + 2 * group)};
  } else {
    StoredScales<E> stored;
    load_sixteen<E>(block, stored.words);
    return stored;
  }
}

// Of a half of a group.
struct GroupScale {
  float scale;
  float minimum;
};
template <Element E>
__device__ __forceinline__ GroupScale group_scale(const StoredScales<E>& stored, int group,
                                                  int half) {
  if constexpr (E == kQ6_K) {
    const auto scale = static_cast<signed char>(stored.halves >> (8 * half));
    return {half_to_float(stored.scale) * static_cast<float>(scale), 0};
  } else {
    // The first four groups have a byte for each number, of which the other four use the top bits.
    const int shift = group % 4 * 8;
    const std::uint32_t first = stored.words[1] >> shift;
    const std::uint32_t second = stored.words[2] >> shift;
    const std::uint32_t third = stored.words[3] >> shift;
    const std::uint32_t scale = group < 4 ? first & 63u : (third & 15u) | (first >> 6 & 3u) << 4;
    const std::uint32_t minimum =
        group < 4 ? second & 63u : (third >> 4 & 15u) | (second >> 6 & 3u) << 4;
    const std::uint32_t of_block = stored.words[0];
    return {
        half_to_float(static_cast<std::uint16_t>(of_block)) * static_cast<float>(scale),
        half_to_float(static_cast<std::uint16_t>(of_block >> 16)) * static_cast<float>(minimum)};
  }
}

// Value i of a block.
template <Element E>
__device__ __forceinline__ float k_value(const unsigned char* block, int i) {
  const int group = i / 32;
  const int half = i / 16 % 2;
  const std::uint32_t low = block[low_bits_at<E>(group, half) + i % 16];
  const std::uint32_t high = E == kQ4_K ? 0u : block[high_bits_at<E>(group, half) + i % 16];
  const GroupScale of = group_scale(load_scales<E>(block, group), group, half);
  const auto code = static_cast<signed char>(k_codes<E>(low, high, group));
  return of.scale * static_cast<float>(code) - of.minimum;
}

}  // namespace mneme
