// SPDX-License-Identifier: Apache-2.0
// What a thread of a gemm takes of a weight tile, 16 values of one row: as they are stored, loaded
// a step ahead so that the loads run while the tensor cores work, and as eight words of two halves.
#pragma once

#include <type_traits>

#include "gpu/cuda/module/blocks.cuh"
#include "gpu/cuda/module/k_quants.cuh"

namespace mneme {

// In each `first`, the column of the first value, is a multiple of 16.
template <Element E>
struct PlainTile {
  std::uint32_t words[8];

  __device__ __forceinline__ void load(const unsigned char* row, std::int64_t first,
                                       std::int64_t cols) {
    const unsigned char* from = row + first * 2;
    if (first + 16 <= cols && reinterpret_cast<std::uintptr_t>(from) % 16 == 0) {
#pragma unroll
      for (int i = 0; i < 2; ++i) {
        const int4 four = reinterpret_cast<const int4*>(from)[i];
        words[4 * i] = static_cast<std::uint32_t>(four.x);
        words[4 * i + 1] = static_cast<std::uint32_t>(four.y);
        words[4 * i + 2] = static_cast<std::uint32_t>(four.z);
        words[4 * i + 3] = static_cast<std::uint32_t>(four.w);
      }
      return;
    }
#pragma unroll
    for (int i = 0; i < 8; ++i) {
      const std::uint32_t low = first + 2 * i < cols ? load_u16(from + 4 * i) : 0u;
      const std::uint32_t high = first + 2 * i + 1 < cols ? load_u16(from + 4 * i + 2) : 0u;
      words[i] = low | high << 16;
    }
  }

  __device__ __forceinline__ void expand(std::int64_t, std::uint32_t (&to)[8]) const {
#pragma unroll
    for (int i = 0; i < 8; ++i) to[i] = words[i];
  }
};

// scale * (code - kOffset) + minimum of 16 codes.
template <int kOffset = 0>
__device__ __forceinline__ void expand_codes(const std::uint32_t (&codes)[4], float scale,
                                             float minimum, std::uint32_t (&to)[8]) {
#pragma unroll
  for (int i = 0; i < 8; ++i) {
    const int first = i % 2 * 2;
    to[i] = pack_halves(scale * (byte_value(codes[i / 2], first) - kOffset) + minimum,
                        scale * (byte_value(codes[i / 2], first + 1) - kOffset) + minimum);
  }
}

template <Element E>
struct BlockTile {
  std::uint32_t words[4];
  std::uint32_t fifths[1];  // of five bits: all of the block
  std::uint16_t scale;
  std::uint16_t minimum;

  __device__ __forceinline__ void load(const unsigned char* row, std::int64_t first, std::int64_t) {
    const unsigned char* block = row + first / 32 * Block<E>::kBytes;
    scale = load_u16(block);
    minimum = Block<E>::kMinimum ? load_u16(block + 2) : std::uint16_t{0};
    load_words(block + Block<E>::kCodesAt + (Block<E>::kBits == 8 ? first % 32 : 0), words);
    if constexpr (Block<E>::kBits == 5) load_words(block + Block<E>::kCodesAt - 4, fifths);
  }

  __device__ __forceinline__ void expand(std::int64_t first, std::uint32_t (&to)[8]) const {
    const int shift = first % 32 == 0 ? 0 : 4;  // the second half of a block of nibbles
    std::uint32_t codes[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      codes[i] = Block<E>::kBits == 8 ? words[i] : words[i] >> shift & 0x0f0f0f0fu;
      if constexpr (Block<E>::kBits == 5) {
        codes[i] |= spread_fifths(fifths[0] >> (first % 32 + 4 * i));
      }
    }
    expand_codes<Block<E>::kZero>(codes, half_to_float(scale),
                                  Block<E>::kMinimum ? half_to_float(minimum) : 0.0f, to);
  }
};

template <Element E>
struct KTile {
  std::uint32_t low[4];
  std::uint32_t high[4];  // not of Q4_K
  StoredScales<E> scales;

  __device__ __forceinline__ void load(const unsigned char* row, std::int64_t first, std::int64_t) {
    const unsigned char* block = row + first / 256 * Block<E>::kBytes;
    load_sixteen<E>(block + low_bits_at<E>(group_of(first), half_of(first)), low);
    if constexpr (E != kQ4_K) {
      load_sixteen<E>(block + high_bits_at<E>(group_of(first), half_of(first)), high);
    }
    scales = load_scales<E>(block, group_of(first));
  }

  __device__ __forceinline__ void expand(std::int64_t first, std::uint32_t (&to)[8]) const {
    const int group = group_of(first);
    std::uint32_t codes[4];
#pragma unroll
    for (int i = 0; i < 4; ++i) codes[i] = k_codes<E>(low[i], E == kQ4_K ? 0u : high[i], group);
    const GroupScale of = group_scale(scales, group, half_of(first));
    expand_codes(codes, of.scale, -of.minimum, to);
  }

  __device__ __forceinline__ static int group_of(std::int64_t first) {
    return static_cast<int>(first % 256 / 32);
  }
  __device__ __forceinline__ static int half_of(std::int64_t first) {
    return static_cast<int>(first / 16 % 2);
  }
};

template <Element E>
using TileWeights =
    std::conditional_t<Block<E>::kValues == 1, PlainTile<E>,
                       std::conditional_t<Block<E>::kValues == 256, KTile<E>, BlockTile<E>>>;

}  // namespace mneme
