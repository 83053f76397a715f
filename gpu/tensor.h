// SPDX-License-Identifier: Apache-2.0
// What a tensor is to a backend: an element type and a two-dimensional shape, rows of `cols`
// values; of the experts of a layer as many such matrices, one behind the other. Weights are [out,
// in] (GGUF's fastest axis is `in`), activations [tokens, width]; several residual streams lie side
// by side in one row, [tokens, streams * width].
#pragma once

#include <cstddef>
#include <cstdint>

#include "gpu/weight_types.h"

namespace mneme {

constexpr const DTypeInfo& dtype_info(DType dtype) {
  return kDTypeInfos[static_cast<std::size_t>(dtype)];
}
constexpr bool is_k_quant(DType dtype) {
  return dtype_info(dtype).block_values == 256;
}
constexpr bool is_quantised(DType dtype) {
  return dtype_info(dtype).block_values > 1;
}
// Whether its values are numbers of a model.
constexpr bool is_weight_type(DType dtype) {
  return dtype != DType::i8 && dtype != DType::i32;
}

// Bytes of one row of `cols` values; `cols` is a multiple of the block.
std::size_t row_bytes(DType dtype, std::int64_t cols);

// Element-wise conversion of one row to float; the definition every kernel is tested against.
// `out` holds `cols` values; of weight types only.
void dequantize_row(DType dtype, const std::byte* row, std::int64_t cols, float* out);

}  // namespace mneme
