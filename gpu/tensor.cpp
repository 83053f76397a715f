// SPDX-License-Identifier: Apache-2.0
#include "gpu/tensor.h"

#include <cstring>

#include "base/check.h"
#include "base/half.h"
#include "gpu/k_quants.h"

namespace mneme {
namespace {

std::uint16_t load_u16(const std::byte* p) {
  std::uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

// A block of 32 (gpu/weight_types.h).
void decode_block(const DTypeInfo& type, const std::byte* block, float* out) {
  const float scale = half_to_float(load_u16(block));
  const float minimum = type.has_minimum ? half_to_float(load_u16(block + 2)) : 0.0f;
  const std::byte* codes = block + type.block_bytes - (type.bits == 8 ? 32 : 16);
  for (int i = 0; i < 32; ++i) {
    if (type.bits == 8) {
      out[i] = scale * static_cast<float>(static_cast<std::int8_t>(codes[i]));
      continue;
    }
    int code = std::to_integer<int>(codes[i % 16]) >> (i < 16 ? 0 : 4) & 15;
    if (type.bits == 5) code |= (std::to_integer<int>(codes[i / 8 - 4]) >> i % 8 & 1) << 4;
    out[i] = type.has_minimum ? scale * static_cast<float>(code) + minimum
                              : scale * static_cast<float>(code - (1 << (type.bits - 1)));
  }
}

}  // namespace

std::size_t row_bytes(DType dtype, std::int64_t cols) {
  const DTypeInfo& info = dtype_info(dtype);
  CHECK(cols >= 0 && cols % info.block_values == 0);
  return static_cast<std::size_t>(cols / info.block_values * info.block_bytes);
}

void dequantize_row(DType dtype, const std::byte* row, std::int64_t cols, float* out) {
  switch (dtype) {
    case DType::f32:
      std::memcpy(out, row, static_cast<std::size_t>(cols) * 4);
      return;
    case DType::f16:
      for (std::int64_t i = 0; i < cols; ++i) out[i] = half_to_float(load_u16(row + 2 * i));
      return;
    case DType::bf16:
      for (std::int64_t i = 0; i < cols; ++i) out[i] = bfloat_to_float(load_u16(row + 2 * i));
      return;
    case DType::q4_k:
      for (std::int64_t i = 0; i < cols; i += 256, row += 144) decode_q4_k(row, out + i);
      return;
    case DType::q5_k:
      for (std::int64_t i = 0; i < cols; i += 256, row += 176) decode_q5_k(row, out + i);
      return;
    case DType::q6_k:
      for (std::int64_t i = 0; i < cols; i += 256, row += 210) decode_q6_k(row, out + i);
      return;
    case DType::i8:
    case DType::i32:
      CHECK(false && "rows of integers are not numbers of a model");
      return;
    default: {
      const DTypeInfo& type = dtype_info(dtype);
      for (std::int64_t i = 0; i < cols; i += 32, row += type.block_bytes) {
        decode_block(type, row, out + i);
      }
    }
  }
}

}  // namespace mneme
