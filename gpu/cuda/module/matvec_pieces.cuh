// SPDX-License-Identifier: Apache-2.0
// What a lane takes of 1024 values of a quantised row: 32 of them, and their products with a
// token's activations.
#pragma once

#include <type_traits>

#include "gpu/cuda/module/blocks.cuh"
#include "gpu/cuda/module/k_quants.cuh"

namespace mneme {

constexpr int kPieceValues = 32;
constexpr int kChunkValues = 32 * kPieceValues;

// Activations as the product takes them.
struct PackedRow {
  const signed char* values;
  const float2* scales;  // of each 32 values: scale, scale times sum
};

__device__ __forceinline__ int dot_words(const std::uint32_t* words, int4 x, int sum) {
  sum = __dp4a(static_cast<int>(words[0]), x.x, sum);
  sum = __dp4a(static_cast<int>(words[1]), x.y, sum);
  sum = __dp4a(static_cast<int>(words[2]), x.z, sum);
  return __dp4a(static_cast<int>(words[3]), x.w, sum);
}

// x[0..16) times codes less kOffset, and the sum of x.
template <int kOffset = 0>
__device__ __forceinline__ void dot_sixteen(const std::uint32_t* words, const float* x, float& dot,
                                            float& sum) {
  const auto* four = reinterpret_cast<const float4*>(x);
#pragma unroll
  for (int k = 0; k < 4; ++k) {
    const float4 v = four[k];
    dot += v.x * (byte_value(words[k], 0) - kOffset);
    dot += v.y * (byte_value(words[k], 1) - kOffset);
    dot += v.z * (byte_value(words[k], 2) - kOffset);
    dot += v.w * (byte_value(words[k], 3) - kOffset);
    sum += v.x + v.y + v.z + v.w;
  }
}

// Blocks of 32: a block. A value is scale * (code - kOffset) + minimum.
template <Element E>
class BlockPiece {
 public:
  __device__ __forceinline__ BlockPiece(const unsigned char* chunk, int lane) {
    const unsigned char* block = chunk + lane * Block<E>::kBytes;
    scale_ = half_to_float(load_u16(block));
    minimum_ = Block<E>::kMinimum ? half_to_float(load_u16(block + 2)) : 0.0f;
    if constexpr (Block<E>::kBits == 8) {
      load_words(block + Block<E>::kCodesAt, words_);
    } else {
      std::uint32_t nibbles[4];
      load_words(block + Block<E>::kCodesAt, nibbles);
      std::uint32_t fifths[1] = {};
      if constexpr (Block<E>::kBits == 5) load_words(block + Block<E>::kCodesAt - 4, fifths);
      for (int i = 0; i < 4; ++i) {
        words_[i] = (nibbles[i] & 0x0f0f0f0fu) | spread_fifths(fifths[0] >> (4 * i));
        words_[i + 4] = (nibbles[i] >> 4 & 0x0f0f0f0fu) | spread_fifths(fifths[0] >> (4 * i + 16));
      }
    }
  }

  // `piece`: of the row.
  __device__ __forceinline__ float times(const PackedRow& row, int piece) const {
    const auto* x = reinterpret_cast<const int4*>(row.values) + 2 * piece;
    const float2 scale = row.scales[piece];
    const int dot = dot_words(words_ + 4, x[1], dot_words(words_, x[0], 0));
    float part = scale.x * static_cast<float>(dot);
    if (kOffset != 0) part -= kOffset * scale.y;
    return Block<E>::kMinimum ? scale_ * part + minimum_ * scale.y : scale_ * part;
  }

  __device__ __forceinline__ float times(const float* row, int piece) const {
    float dot = 0;
    float sum = 0;
    dot_sixteen<kOffset>(words_, row + piece * kPieceValues, dot, sum);
    dot_sixteen<kOffset>(words_ + 4, row + piece * kPieceValues + 16, dot, sum);
    return Block<E>::kMinimum ? scale_ * dot + minimum_ * sum : scale_ * dot;
  }

 private:
  static constexpr int kOffset = Block<E>::kZero;
  std::uint32_t words_[8];
  float scale_;
  float minimum_;
};

// Blocks of 256: the same half of two groups whose low bits share 16 bytes. Eight lanes take a
// block.
template <Element E>
class KPiece {
 public:
  __device__ __forceinline__ KPiece(const unsigned char* chunk, int lane) {
    const unsigned char* block = chunk + lane / 8 * Block<E>::kBytes;
    const int group = first_group(lane);
    const int above = group_above<E>(group);
    const int half = lane % 2;
    std::uint32_t low[4];
    std::uint32_t high[4] = {};
    load_sixteen<E>(block + low_bits_at<E>(group, half), low);
    if constexpr (E != kQ4_K) load_sixteen<E>(block + high_bits_at<E>(group, half), high);
#pragma unroll
    for (int i = 0; i < 4; ++i) {
      words_[i] = k_codes<E>(low[i], high[i], group);
      words_[i + 4] = k_codes<E>(low[i], high[i], above);
    }
    const StoredScales<E> stored = load_scales<E>(block, group);
    of_[0] = group_scale(stored, group, half);
    of_[1] = group_scale(E == kQ6_K ? load_scales<E>(block, above) : stored, above, half);
  }

  __device__ __forceinline__ float times(const PackedRow& row, int piece) const {
    const int group = group_of_row(piece);
    const int above = group_above<E>(group);
    const int half = piece % 2;
    const auto* x = reinterpret_cast<const int4*>(row.values);
    const float2 scale = row.scales[group];
    const float2 scale_above = row.scales[above];
    const int dot = dot_words(words_, x[2 * group + half], 0);
    const int dot_above = dot_words(words_ + 4, x[2 * above + half], 0);
    const float sum = of_[0].scale * (scale.x * static_cast<float>(dot)) +
                      of_[1].scale * (scale_above.x * static_cast<float>(dot_above));
    if constexpr (E == kQ6_K) return sum;
    // The minimum counts once for a whole group: of the two lanes that have halves of the same two
    // groups, each takes that of one.
    return sum - (half == 0 ? of_[0].minimum * scale.y : of_[1].minimum * scale_above.y);
  }

  __device__ __forceinline__ float times(const float* row, int piece) const {
    const int group = group_of_row(piece);
    const float* x = row + piece % 2 * 16;
    float dots[2] = {};
    float sums[2] = {};
    dot_sixteen(words_, x + group * 32, dots[0], sums[0]);
    dot_sixteen(words_ + 4, x + group_above<E>(group) * 32, dots[1], sums[1]);
    const float sum = of_[0].scale * dots[0] + of_[1].scale * dots[1];
    if constexpr (E == kQ6_K) return sum;
    return sum - of_[0].minimum * sums[0] - of_[1].minimum * sums[1];
  }

 private:
  __device__ __forceinline__ static int first_group(int lane) {
    const int pair = lane % 8 / 2;
    return E == kQ6_K ? pair / 2 * 4 + pair % 2 : pair * 2;
  }
  __device__ __forceinline__ static int group_of_row(int piece) {
    return piece / 8 * 8 + first_group(piece);
  }

  std::uint32_t words_[8];
  GroupScale of_[2];
};

template <Element E>
using Piece = std::conditional_t<Block<E>::kValues == 256, KPiece<E>, BlockPiece<E>>;

}  // namespace mneme
