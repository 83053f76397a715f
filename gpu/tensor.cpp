// SPDX-License-Identifier: Apache-2.0
#include "gpu/tensor.h"

#include <array>
#include <cstring>

#include "base/check.h"
#include "base/half.h"
#include "gpu/k_quants.h"

namespace mneme {
namespace {

constexpr std::array<DTypeInfo, 11> kInfos{{
    {"F32", 1, 4},
    {"F16", 1, 2},
    {"BF16", 1, 2},
    {"Q8_0", 32, 34},
    {"Q4_0", 32, 18},
    {"Q4_1", 32, 20},
    {"I8", 1, 1},
    {"I32", 1, 4},
    {"Q4_K", 256, 144},
    {"Q5_K", 256, 176},
    {"Q6_K", 256, 210},
}};

std::uint16_t load_u16(const std::byte* p) {
  std::uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

}  // namespace

const DTypeInfo& dtype_info(DType dtype) {
  return kInfos[static_cast<std::size_t>(dtype)];
}

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
    case DType::q8_0:
      for (std::int64_t b = 0; b < cols / 32; ++b, row += 34) {
        const float scale = half_to_float(load_u16(row));
        for (int i = 0; i < 32; ++i)
          *out++ = scale * static_cast<float>(static_cast<std::int8_t>(row[2 + i]));
      }
      return;
    case DType::q4_0:
      for (std::int64_t b = 0; b < cols / 32; ++b, row += 18, out += 32) {
        const float scale = half_to_float(load_u16(row));
        for (int i = 0; i < 16; ++i) {
          const int byte = std::to_integer<int>(row[2 + i]);
          out[i] = scale * static_cast<float>((byte & 15) - 8);
          out[i + 16] = scale * static_cast<float>((byte >> 4) - 8);
        }
      }
      return;
    case DType::q4_1:
      for (std::int64_t b = 0; b < cols / 32; ++b, row += 20, out += 32) {
        const float scale = half_to_float(load_u16(row));
        const float minimum = half_to_float(load_u16(row + 2));
        for (int i = 0; i < 16; ++i) {
          const int byte = std::to_integer<int>(row[4 + i]);
          out[i] = scale * static_cast<float>(byte & 15) + minimum;
          out[i + 16] = scale * static_cast<float>(byte >> 4) + minimum;
        }
      }
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
      break;
  }
  CHECK(false && "rows of integers are not numbers of a model");
}

}  // namespace mneme
