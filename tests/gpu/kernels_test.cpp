// SPDX-License-Identifier: Apache-2.0
// The integer products on weights in file order, which plans use when a woven copy does not fit.
// They multiply the same integers as the woven ones, which conformance_test.cpp holds to the
// formulas.
#include "gpu/cpu/kernels.h"

#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <memory>
#include <random>
#include <string_view>
#include <vector>

#include "base/half.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/cpu/thread_pool.h"
#include "gpu/cpu/woven_weights.h"
#include "gpu/tensor.h"

namespace mneme {
namespace {

struct Shape {
  std::int64_t tokens, rows, cols;
};

void compare(const Kernels& kernels, DType dtype, const Shape& s) {
  SCOPED_TRACE(testing::Message() << kernels.name << " " << dtype_info(dtype).name << " "
                                  << s.tokens << "x" << s.rows << "x" << s.cols);
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  std::vector<unsigned char> weight(static_cast<std::size_t>(s.rows) * row_bytes(dtype, s.cols));
  for (auto& byte : weight) byte = static_cast<unsigned char>(random());
  const auto block = static_cast<std::size_t>(dtype_info(dtype).block_bytes);
  for (std::size_t at = 0; at < weight.size(); at += block) {
    for (std::size_t i = 0; i < (dtype_info(dtype).has_minimum ? 4u : 2u); i += 2) {
      const std::uint16_t half = float_to_half(0.1f * normal(random));
      weight[at + i] = static_cast<unsigned char>(half & 255);
      weight[at + i + 1] = static_cast<unsigned char>(half >> 8);
    }
  }
  std::vector<float> x(static_cast<std::size_t>(s.tokens * s.cols));
  for (float& value : x) value = normal(random);

  const auto floats = [](std::vector<float>& v, std::int64_t cols) {
    return KernelTensor{reinterpret_cast<unsigned char*>(v.data()), 0, cols, cols * 4};
  };
  const KernelRun run{0, s.tokens};
  const KernelStep step{nullptr, nullptr, s.tokens, &run, 1};
  const std::int64_t stride = kernels.packed_stride(s.cols);
  std::vector<unsigned char> packed(static_cast<std::size_t>(s.tokens * stride));
  KernelArgs pack;
  pack.in[0] = floats(x, s.cols);
  pack.out = KernelTensor{packed.data(), 0, s.cols, stride};
  kernels.pack_activations(pack, step, 0, s.tokens, nullptr);

  std::vector<float> in_file_order(static_cast<std::size_t>(s.tokens * s.rows), NAN);
  std::vector<float> woven_order = in_file_order;
  KernelArgs args;
  args.in[1] = KernelTensor{weight.data(), s.rows, s.cols,
                            static_cast<std::int64_t>(row_bytes(dtype, s.cols)), dtype};
  args.in[3] = pack.out;
  args.out = floats(in_file_order, s.rows);
  std::vector<unsigned char> scratch(static_cast<std::size_t>(kernels.matmul_scratch(args)) + 64);
  kernels.matmul(args, step, 0, s.rows, scratch.data());

  const std::int64_t tiles = (s.rows + kernels.woven_rows - 1) / kernels.woven_rows;
  const std::int64_t tile_bytes = kernels.woven_stride(args.in[1].element, s.cols);
  std::vector<unsigned char> woven(static_cast<std::size_t>(tiles * tile_bytes), 0);
  KernelArgs weave;
  weave.in[1] = args.in[1];
  weave.out = KernelTensor{woven.data(), s.rows, s.cols, tile_bytes, args.in[1].element};
  kernels.weave_tiles(weave, {}, 0, tiles, nullptr);
  args.in[4] = weave.out;
  args.out = floats(woven_order, s.rows);
  kernels.matmul(args, step, 0, s.rows, scratch.data());

  const double size = std::sqrt(static_cast<double>(s.cols)) * 20;  // of a product's parts
  for (std::size_t i = 0; i < woven_order.size(); ++i) {
    ASSERT_NEAR(in_file_order[i], woven_order[i], size * 1e-5) << "value " << i;
  }
}

// Without a woven copy K-quants meet float32 activations, with one their 8-bit copies.
void compare_k_quants(const Kernels& kernels, DType dtype, std::int64_t tokens) {
  SCOPED_TRACE(testing::Message() << kernels.name << " " << dtype_info(dtype).name << " "
                                  << tokens);
  constexpr std::int64_t kRows = 37;
  constexpr std::int64_t kCols = 768;
  std::mt19937 random(5);
  std::normal_distribution<float> normal;
  const auto stride = static_cast<std::int64_t>(row_bytes(dtype, kCols));
  const auto block = static_cast<std::size_t>(dtype_info(dtype).block_bytes);
  std::vector<unsigned char> weight(static_cast<std::size_t>(kRows * stride));
  for (auto& byte : weight) byte = static_cast<unsigned char>(random());
  for (std::size_t at = 0; at < weight.size(); at += block) {
    for (const std::size_t half :
         dtype == DType::q6_k ? std::vector<std::size_t>{208} : std::vector<std::size_t>{0, 2}) {
      const std::uint16_t bits = float_to_half(0.01f * normal(random));
      std::memcpy(weight.data() + at + half, &bits, 2);
    }
  }
  std::vector<float> x(static_cast<std::size_t>(tokens * kCols));
  for (float& value : x) value = normal(random);
  std::vector<float> in_file_order(static_cast<std::size_t>(tokens * kRows), NAN);
  std::vector<float> woven_order = in_file_order;
  const auto floats = [](std::vector<float>& v, std::int64_t cols) {
    return KernelTensor{reinterpret_cast<unsigned char*>(v.data()), 0, cols, cols * 4};
  };
  const KernelRun run{0, tokens};
  const KernelStep step{nullptr, nullptr, tokens, &run, 1};
  const std::int64_t packed_stride = kernels.packed_stride(kCols);
  std::vector<unsigned char> packed(static_cast<std::size_t>(tokens * packed_stride));
  KernelArgs args;
  args.in[0] = floats(x, kCols);
  args.out = KernelTensor{packed.data(), 0, kCols, packed_stride};
  kernels.pack_activations(args, step, 0, tokens, nullptr);
  args.in[3] = args.out;
  args.in[1] = KernelTensor{weight.data(), kRows, kCols, stride, dtype};
  args.out = floats(in_file_order, kRows);
  std::vector<unsigned char> scratch(static_cast<std::size_t>(kernels.matmul_scratch(args)) + 64);
  kernels.matmul(args, step, 0, kRows, scratch.data());

  const std::int64_t tiles = (kRows + kernels.woven_rows - 1) / kernels.woven_rows;
  const std::int64_t tile_bytes = kernels.woven_stride(args.in[1].element, kCols);
  std::vector<unsigned char> woven(static_cast<std::size_t>(tiles * tile_bytes), 0);
  KernelArgs weave;
  weave.in[1] = args.in[1];
  weave.out = KernelTensor{woven.data(), kRows, kCols, tile_bytes, args.in[1].element};
  kernels.weave_tiles(weave, {}, 0, tiles, nullptr);
  args.in[4] = weave.out;
  args.out = floats(woven_order, kRows);
  kernels.matmul(args, step, 0, kRows, scratch.data());

  double error = 0;
  double size = 0;
  for (std::size_t i = 0; i < woven_order.size(); ++i) {
    error += std::pow(double{woven_order[i]} - in_file_order[i], 2);
    size += std::pow(in_file_order[i], 2);
  }
  // Rounding to 8 bits: a step of 1/127 of the highest of 32, 2.1 deviations, over sqrt(12).
  EXPECT_LT(std::sqrt(error / size), 0.01);
  EXPECT_GT(error, 0);
}

TEST(Kernels, KQuantsInFileOrderGiveWhatWovenOnesDo) {
  for (const std::string_view set : available_instruction_sets()) {
    const Kernels& kernels = kernels_named(set);
    if (kernels.pack_activations == nullptr) continue;  // works in floats only
    for (const DType dtype : kKQuantTypes) {
      for (const std::int64_t tokens : {1, 3, 14}) compare_k_quants(kernels, dtype, tokens);
    }
  }
}

TEST(Kernels, WeightsInFileOrderGiveWhatWovenOnesDo) {
  for (const std::string_view set : available_instruction_sets()) {
    const Kernels& kernels = kernels_named(set);
    if (kernels.pack_activations == nullptr) continue;  // works in floats only
    for (const DType dtype : kBlockTypes) {
      for (const Shape& s : {Shape{1, 1, 32},
                             {1, 7, 96},
                             {1, 67, 576},
                             {2, 16, 128},
                             {3, 33, 64},
                             {4, 18, 160},
                             {17, 50, 320},
                             {29, 16, 1536}}) {
        compare(kernels, dtype, s);
      }
    }
  }
}

TEST(Weaver, PlansShareCopiesWhileOneOfThemLives) {
  const Kernels& kernels = kernels_named(available_instruction_sets().front());
  if (kernels.weave_tiles == nullptr) GTEST_SKIP() << "this CPU multiplies in floats only";
  ThreadPool pool(2);
  Weaver weaver(kernels, pool);
  std::vector<unsigned char> bytes(40 * row_bytes(DType::q4_0, 64), 1);
  const KernelTensor tensor{bytes.data(), 40, 64,
                            static_cast<std::int64_t>(row_bytes(DType::q4_0, 64)), DType::q4_0};
  const std::vector<WovenWeight> weights(2, {tensor, 7});
  std::vector<std::shared_ptr<const WovenArena>> first;
  const auto one = weaver.weave(weights, first);
  ASSERT_EQ(first.size(), 1u);
  EXPECT_EQ(one[0].data, one[1].data);  // the same weight used twice
  std::vector<std::shared_ptr<const WovenArena>> second;
  EXPECT_EQ(weaver.weave(weights, second)[0].data, one[0].data);
  EXPECT_EQ(second, first);
}

// As where a model is closed and the next one's file comes to lie at the same address, and the two
// differ in few of their bytes.
TEST(Weaver, AnotherFileAtTheSameAddressIsAnotherWeight) {
  const Kernels& kernels = kernels_named(available_instruction_sets().front());
  if (kernels.weave_tiles == nullptr) GTEST_SKIP() << "this CPU multiplies in floats only";
  ThreadPool pool(2);
  Weaver weaver(kernels, pool);
  std::vector<unsigned char> bytes(400 * row_bytes(DType::q4_0, 64), 1);
  const auto no_release = [](std::uint64_t) {};
  auto* const host = reinterpret_cast<std::byte*>(bytes.data());
  const Buffer before(1, bytes.size(), host, no_release);
  const Buffer after(1, bytes.size(), host, no_release);
  const KernelTensor tensor{bytes.data(), 400, 64,
                            static_cast<std::int64_t>(row_bytes(DType::q4_0, 64)), DType::q4_0};
  const auto weave = [&](const Buffer& buffer,
                         std::vector<std::shared_ptr<const WovenArena>>& keep) {
    const std::vector<WovenWeight> weights = {{tensor, buffer.id()}};
    const KernelTensor woven = weaver.weave(weights, keep)[0];
    EXPECT_NE(woven.data, nullptr);
    return std::vector<unsigned char>(woven.data,
                                      woven.data + 400 / kernels.woven_rows * woven.stride);
  };
  std::vector<std::shared_ptr<const WovenArena>> first, second, third;
  const auto one = weave(before, first);
  bytes[300] ^= 1;
  EXPECT_EQ(weave(before, second), one);  // a weight never changes
  EXPECT_NE(weave(after, third), one);
  EXPECT_NE(third, first);
}

}  // namespace
}  // namespace mneme
