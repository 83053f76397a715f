// SPDX-License-Identifier: Apache-2.0
// Quantised blocks of 32 values as 4-byte words. Files hold them at even addresses only.
#pragma once

#include "gpu/cuda/module/device.cuh"

namespace mneme {

template <Element E>
struct Block;
template <>
struct Block<kQ8_0> {
  static constexpr int kBytes = 34;
  static constexpr int kHead = 2;   // bytes before the values
  static constexpr int kWords = 8;  // of values
};
template <>
struct Block<kQ4_0> {
  static constexpr int kBytes = 18;
  static constexpr int kHead = 2;
  static constexpr int kWords = 4;
};
template <>
struct Block<kQ4_1> {
  static constexpr int kBytes = 20;
  static constexpr int kHead = 4;
  static constexpr int kWords = 4;
};

// N words from an even address of shared memory, which must be readable up to 3 bytes further.
template <int N>
__device__ __forceinline__ void load_words(const unsigned char* from, std::uint32_t (&to)[N]) {
  const auto address = reinterpret_cast<std::uintptr_t>(from);
  const auto* words = reinterpret_cast<const std::uint32_t*>(address & ~std::uintptr_t{3});
  const unsigned shift = (address & 2u) * 8;
  std::uint32_t raw = words[0];
  for (int i = 0; i < N; ++i) {
    const std::uint32_t next = words[i + 1];
    to[i] = __funnelshift_r(raw, next, shift);
    raw = next;
  }
}

// The 32 values of a block as signed bytes, four a word, in their order, before scale and offset:
// q8_0 q, q4_0 and q4_1 the nibble.
template <Element E>
struct UnpackedBlock {
  std::uint32_t words[8];
  float scale;
  float minimum;  // q4_1

  __device__ __forceinline__ explicit UnpackedBlock(const unsigned char* block) {
    scale = half_to_float(load_u16(block));
    minimum = E == kQ4_1 ? half_to_float(load_u16(block + 2)) : 0.0f;
    if constexpr (E == kQ8_0) {
      load_words(block + Block<E>::kHead, words);
    } else {
      std::uint32_t nibbles[4];
      load_words(block + Block<E>::kHead, nibbles);
      for (int i = 0; i < 4; ++i) {
        words[i] = nibbles[i] & 0x0f0f0f0fu;
        words[i + 4] = nibbles[i] >> 4 & 0x0f0f0f0fu;
      }
    }
  }
};

__device__ __forceinline__ float byte_value(std::uint32_t word, int i) {
  return static_cast<float>(static_cast<signed char>(word >> (8 * i)));
}

}  // namespace mneme
