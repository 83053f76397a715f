// SPDX-License-Identifier: Apache-2.0
// What a tensor is to a backend: an element type and a two-dimensional shape, rows of `cols`
// values. Weights are [out, in] (GGUF's fastest axis is `in`), activations [tokens, width]; several
// residual streams lie side by side in one row, [tokens, streams * width].
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mneme {

enum class DType : std::uint8_t { f32, f16, bf16, q8_0, q4_0, q4_1, i8, i32, q4_k, q5_k, q6_k };

// Quantised types store blocks of 32 values along a row, little-endian, as GGUF defines them:
//   q8_0: f16 scale, 32 x i8                              34 bytes   x = d * q
//   q4_0: f16 scale, 16 bytes of nibbles (low half first) 18 bytes   x = d * (q - 8)
//   q4_1: f16 scale, f16 minimum, 16 bytes of nibbles     20 bytes   x = d * q + m
// q4_k, q5_k and q6_k store blocks of 256: gpu/k_quants.h.
struct DTypeInfo {
  std::string_view name;
  std::int64_t block_values;
  std::int64_t block_bytes;
};
const DTypeInfo& dtype_info(DType dtype);

constexpr bool is_k_quant(DType dtype) {
  return dtype == DType::q4_k || dtype == DType::q5_k || dtype == DType::q6_k;
}

// Bytes of one row of `cols` values; `cols` is a multiple of the block.
std::size_t row_bytes(DType dtype, std::int64_t cols);

// Element-wise conversion of one row to float; the definition every kernel is tested against.
// `out` holds `cols` values. Not for i8 and i32.
void dequantize_row(DType dtype, const std::byte* row, std::int64_t cols, float* out);

}  // namespace mneme
