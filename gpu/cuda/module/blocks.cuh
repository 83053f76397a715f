// SPDX-License-Identifier: Apache-2.0
// Blocks of quantised types as files hold them: at even addresses, and no more is promised.
#pragma once

#include "gpu/cuda/module/device.cuh"

namespace mneme {

template <int Values, int Bytes, int Bits, bool Minimum>
struct BlockLayout {
  static constexpr int kValues = Values;
  static constexpr int kBytes = Bytes;
  static constexpr int kBits = Bits;
  static constexpr bool kMinimum = Minimum;
  // Of blocks of 32: where the codes begin, or their low four bits behind those of the fifth; and
  // which code is zero.
  static constexpr int kCodesAt = Bytes - (Bits == 8 ? 32 : 16);
  static constexpr int kZero = Minimum || Bits == 8 ? 0 : 1 << (Bits - 1);
};
template <Element E>
struct Block;
#define X(name, id, gguf, values, bytes, bits, minimum) \
  template <>                                           \
  struct Block<k##name> : BlockLayout<values, bytes, bits, minimum != 0> {};
MNEME_WEIGHT_TYPES(X)
#undef X

// N words from an even address, by aligned ones: 2 bytes behind them are read where they start
// between two. Allocations are whole words.
template <int N>
__device__ __forceinline__ void load_words(const unsigned char* from, std::uint32_t (&to)[N]) {
  const auto address = reinterpret_cast<std::uintptr_t>(from);
  const auto* words = reinterpret_cast<const std::uint32_t*>(address & ~std::uintptr_t{3});
  const unsigned shift = (address & 2u) * 8;
  const int last = shift == 0 ? N - 1 : N;
  std::uint32_t raw = words[0];
  for (int i = 0; i < N; ++i) {
    const std::uint32_t next = words[i + 1 < N ? i + 1 : last];
    to[i] = __funnelshift_r(raw, next, shift);
    raw = next;
  }
}

// 16 bytes that lie a multiple of 16 into a block; in one load where the file has them aligned.
template <Element E>
__device__ __forceinline__ void load_sixteen(const unsigned char* from, std::uint32_t (&to)[4]) {
  if constexpr (Block<E>::kBytes % 16 == 0) {
    if (reinterpret_cast<std::uintptr_t>(from) % 16 == 0) {
      const int4 four = *reinterpret_cast<const int4*>(from);
      to[0] = static_cast<std::uint32_t>(four.x);
      to[1] = static_cast<std::uint32_t>(four.y);
      to[2] = static_cast<std::uint32_t>(four.z);
      to[3] = static_cast<std::uint32_t>(four.w);
      return;
    }
  }
  load_words(from, to);
}

// Four bits as bit 4 of four bytes.
__device__ __forceinline__ std::uint32_t spread_fifths(std::uint32_t bits) {
  return ((bits & 15u) * 0x00204081u & 0x01010101u) << 4;
}

__device__ __forceinline__ float byte_value(std::uint32_t word, int i) {
  return static_cast<float>(static_cast<signed char>(word >> (8 * i)));
}

}  // namespace mneme
