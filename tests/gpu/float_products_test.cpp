// SPDX-License-Identifier: Apache-2.0
// Products with float32 activations, kernel by kernel: shapes around the borders of their tiles,
// panels and groups of tokens, many of which the conformance table has no op for.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <limits>
#include <random>
#include <string>
#include <string_view>
#include <vector>

#include "base/half.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/cpu/kernels.h"
#include "gpu/tensor.h"

namespace mneme {
namespace {

struct FloatShape {
  std::int64_t tokens, rows, cols;
  std::int64_t outputs = 0;  // 0: all tokens
  bool bias = false;
};

constexpr FloatShape kFloatShapes[] = {{1, 1, 1},         {1, 5, 37},
                                       {1, 3, 64},        {1, 19, 1000, 0, true},
                                       {2, 17, 96},       {3, 33, 257},
                                       {3, 4, 128},       {4, 1, 1},
                                       {4, 129, 256},     {5, 131, 300, 2},
                                       {7, 16, 512},      {12, 47, 255},
                                       {13, 300, 37},     {23, 64, 64, 0, true},
                                       {24, 130, 520},    {25, 18, 768},
                                       {41, 257, 33},     {29, 128, 600, 0, true},
                                       {70, 20, 290, 26}, {6, 145, 1}};

class FloatProducts : public testing::TestWithParam<std::string_view> {
 protected:
  const Kernels& kernels_ = kernels_named(GetParam());
  std::mt19937 random_{5};
  std::normal_distribution<float> normal_;

  std::vector<float> normals(std::int64_t n) {
    std::vector<float> values(static_cast<std::size_t>(n));
    for (float& value : values) value = normal_(random_);
    return values;
  }
};

std::vector<unsigned char> stored_floats(DType dtype, const std::vector<float>& values) {
  std::vector<unsigned char> bytes;
  for (const float value : values) {
    std::uint32_t bits;
    std::memcpy(&bits, &value, sizeof bits);
    if (dtype == DType::bf16) bits >>= 16;
    if (dtype == DType::f16) bits = float_to_half(value);
    for (int i = 0; i < (dtype == DType::f32 ? 4 : 2); ++i) {
      bytes.push_back(static_cast<unsigned char>(bits >> (8 * i)));
    }
  }
  return bytes;
}

std::vector<float> decoded_floats(DType dtype, std::vector<unsigned char>& bytes,
                                  std::int64_t values) {
  std::vector<float> floats(static_cast<std::size_t>(values));
  dequantize_row(dtype, reinterpret_cast<std::byte*>(bytes.data()), values, floats.data());
  return floats;
}

// [outputs, rows], in pieces of `chunk` rows as plans give them out.
std::vector<float> float_product(const Kernels& kernels, const FloatShape& s, DType dtype,
                                 std::vector<unsigned char>& weight, std::vector<float>& x,
                                 std::vector<float>& bias, std::int64_t chunk) {
  const std::int64_t outputs = s.outputs > 0 ? s.outputs : s.tokens;
  std::vector<float> out(static_cast<std::size_t>(outputs * s.rows), NAN);
  const auto floats = [](std::vector<float>& v, std::int64_t cols) {
    return KernelTensor{reinterpret_cast<unsigned char*>(v.data()), 0, cols, cols * 4};
  };
  KernelArgs args;
  args.in[0] = floats(x, s.cols);
  args.in[1] = KernelTensor{weight.data(), s.rows, s.cols,
                            static_cast<std::int64_t>(row_bytes(dtype, s.cols)), dtype};
  if (s.bias) args.in[2] = floats(bias, s.rows);
  args.out = floats(out, s.rows);
  const KernelRun run{0, outputs};
  const KernelStep step{nullptr, nullptr, outputs, &run, 1};
  std::vector<unsigned char> scratch(static_cast<std::size_t>(kernels.matmul_scratch(args)) + 64);
  const std::size_t skip = 64 - reinterpret_cast<std::uintptr_t>(scratch.data()) % 64;
  for (std::int64_t o = 0; o < s.rows; o += chunk) {
    kernels.matmul(args, step, o, std::min(s.rows, o + chunk), scratch.data() + skip);
  }
  return out;
}

TEST_P(FloatProducts, EqualTheScalarOnes) {
  const Kernels& scalar = kernels_named("scalar");
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    for (const FloatShape& s : kFloatShapes) {
      SCOPED_TRACE(testing::Message()
                   << dtype_info(dtype).name << " " << s.tokens << "x" << s.cols << "x" << s.rows);
      std::vector<unsigned char> weight = stored_floats(dtype, normals(s.rows * s.cols));
      std::vector<float> x = normals(s.tokens * s.cols);
      std::vector<float> bias = normals(s.rows);
      const auto want = float_product(scalar, s, dtype, weight, x, bias, s.rows);
      const auto have = float_product(kernels_, s, dtype, weight, x, bias, s.rows);
      const double size = std::sqrt(static_cast<double>(s.cols)) + 4;
      for (std::size_t i = 0; i < want.size(); ++i) {
        ASSERT_NEAR(have[i], want[i], 1e-5 * size) << "value " << i;
      }
    }
  }
}

// Halves become floats without rounding, so it must not matter in which form a weight is stored.
TEST_P(FloatProducts, OfHalvesAreThoseOfTheSameFloatsToTheBit) {
  for (const DType dtype : {DType::f16, DType::bf16}) {
    for (const FloatShape& s : kFloatShapes) {
      SCOPED_TRACE(testing::Message()
                   << dtype_info(dtype).name << " " << s.tokens << "x" << s.cols << "x" << s.rows);
      std::vector<unsigned char> weight = stored_floats(dtype, normals(s.rows * s.cols));
      std::vector<unsigned char> floats =
          stored_floats(DType::f32, decoded_floats(dtype, weight, s.rows * s.cols));
      std::vector<float> x = normals(s.tokens * s.cols);
      std::vector<float> bias = normals(s.rows);
      EXPECT_EQ(float_product(kernels_, s, dtype, weight, x, bias, s.rows),
                float_product(kernels_, s, DType::f32, floats, x, bias, s.rows));
    }
  }
}

TEST_P(FloatProducts, DoNotDependOnHowRowsAreGivenOut) {
  for (const DType dtype : {DType::f32, DType::f16, DType::q8_0}) {
    const FloatShape s{25, 300, 544};
    std::vector<unsigned char> weight = dtype == DType::q8_0
                                            ? std::vector<unsigned char>(300 * 17 * 34, 0x2a)
                                            : stored_floats(dtype, normals(s.rows * s.cols));
    std::vector<float> x = normals(s.tokens * s.cols);
    std::vector<float> bias;
    const auto want = float_product(kernels_, s, dtype, weight, x, bias, s.rows);
    EXPECT_EQ(float_product(kernels_, s, dtype, weight, x, bias, 16), want);
    EXPECT_EQ(float_product(kernels_, s, dtype, weight, x, bias, 144), want);
  }
}

// One value that is not finite reaches every output that it is part of, and no other.
TEST_P(FloatProducts, WhatIsNotFiniteStaysWhereItBelongs) {
  constexpr float kInfinity = std::numeric_limits<float>::infinity();
  for (const DType dtype : {DType::f32, DType::f16, DType::bf16}) {
    for (const FloatShape& s :
         {FloatShape{1, 21, 333}, FloatShape{3, 21, 70}, FloatShape{30, 150, 333}}) {
      for (const float broken : {std::numeric_limits<float>::quiet_NaN(), kInfinity}) {
        std::vector<float> values = normals(s.rows * s.cols);
        values[static_cast<std::size_t>((s.rows - 2) * s.cols + s.cols - 1)] = broken;
        std::vector<unsigned char> weight = stored_floats(dtype, values);
        std::vector<float> x = normals(s.tokens * s.cols);
        std::vector<float> bias;
        const auto out = float_product(kernels_, s, dtype, weight, x, bias, s.rows);
        for (std::size_t i = 0; i < out.size(); ++i) {
          const bool part = static_cast<std::int64_t>(i) % s.rows == s.rows - 2;
          ASSERT_EQ(std::isfinite(out[i]), !part) << dtype_info(dtype).name << " value " << i;
        }
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, FloatProducts, testing::ValuesIn(available_instruction_sets()),
                         [](const auto& set) { return std::string(set.param); });

}  // namespace
}  // namespace mneme
