// SPDX-License-Identifier: Apache-2.0
// The element types of tensors, a row each: all that C++, CUDA and (by gpu/vulkan/CMakeLists.txt)
// the shaders know of a type comes from here. Plain constants, which kernels of every instruction
// set may include. To add a type: CONTRIBUTING.md.
//
// X(name, enumerator, number in GGUF, values and bytes of a block, bits of a value, 1: has minima)
#pragma once

#include <cstdint>

// clang-format off
#define MNEME_FLOAT_TYPES(X)      \
  X(F32,  f32,   0, 1, 4, 32, 0)  \
  X(F16,  f16,   1, 1, 2, 16, 0)  \
  X(BF16, bf16, 30, 1, 2, 16, 0)

// Blocks of 32 values along a row, little-endian: f16 scale; f16 minimum, if any; codes, of 8 bits
// as signed bytes, else 16 bytes of nibbles, the first 16 values in the low ones, of 5 bits behind
// four bytes of fifth bits.
//   q8_0: x = scale * code   q4_0: x = scale * (code - 8)   q4_1: x = scale * code + minimum
//                            q5_0: x = scale * (code - 16)  q5_1: as q4_1
#define MNEME_BLOCK_TYPES(X)      \
  X(Q4_0, q4_0,  2, 32, 18, 4, 0) \
  X(Q4_1, q4_1,  3, 32, 20, 4, 1) \
  X(Q5_0, q5_0,  6, 32, 22, 5, 0) \
  X(Q5_1, q5_1,  7, 32, 24, 5, 1) \
  X(Q8_0, q8_0,  8, 32, 34, 8, 0)

// Blocks of 256 values: gpu/k_quants.h.
#define MNEME_K_QUANT_TYPES(X)       \
  X(Q4_K, q4_k, 12, 256, 144, 4, 1)  \
  X(Q5_K, q5_k, 13, 256, 176, 5, 1)  \
  X(Q6_K, q6_k, 14, 256, 210, 6, 0)

// Of tables and indices; no numbers of a model.
#define MNEME_INTEGER_TYPES(X)    \
  X(I8,   i8,   24, 1, 1,  8, 0)  \
  X(I32,  i32,  26, 1, 4, 32, 0)
// clang-format on

#define MNEME_WEIGHT_TYPES(X) MNEME_FLOAT_TYPES(X) MNEME_BLOCK_TYPES(X) MNEME_K_QUANT_TYPES(X)
#define MNEME_ALL_TYPES(X) MNEME_WEIGHT_TYPES(X) MNEME_INTEGER_TYPES(X)

namespace mneme {

#define X(name, id, gguf, values, bytes, bits, minimum) id,
enum class DType : std::uint8_t { MNEME_ALL_TYPES(X) };
#undef X

struct DTypeInfo {
  const char* name;  // as in GGUF
  std::uint32_t gguf;
  std::int64_t block_values;
  std::int64_t block_bytes;
  int bits;
  bool has_minimum;
};
#define X(name, id, gguf, values, bytes, bits, minimum) \
  {#name, gguf, values, bytes, bits, minimum != 0},
inline constexpr DTypeInfo kDTypeInfos[] = {MNEME_ALL_TYPES(X)};  // by DType
#undef X

#define X(name, id, ...) DType::id,
inline constexpr DType kWeightTypes[] = {MNEME_WEIGHT_TYPES(X)};
inline constexpr DType kBlockTypes[] = {MNEME_BLOCK_TYPES(X)};
inline constexpr DType kKQuantTypes[] = {MNEME_K_QUANT_TYPES(X)};
inline constexpr DType kAllTypes[] = {MNEME_ALL_TYPES(X)};
#undef X

}  // namespace mneme
