// SPDX-License-Identifier: Apache-2.0
// Whole steps of a small random model: what the numeric modes of gpu/backend.h promise, and that
// chunks, threads and instruction sets do not change what exact mode says.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "gpu/cpu/cpu_info.h"
#include "gpu/registry.h"
#include "tests/gpu/random_llama.h"

namespace mneme {
namespace {

constexpr std::int64_t kTokens = 24;
constexpr LlamaShape kShape{4, 192, 6, 2, 32, 512, 640, DType::q4_1, DType::q8_0};

std::vector<TokenId> prompt() {
  std::vector<TokenId> ids;
  for (TokenId i = 0; i < kTokens; ++i) ids.push_back(i * 37 % 640);
  return ids;
}

// Logits of every token, read in chunks of these sizes.
std::vector<float> logits(const LlamaShape& shape, const std::string& set, int threads,
                          NumericMode mode, const std::vector<std::int64_t>& chunks) {
  auto backend = open_backend({threads, set});
  EXPECT_TRUE(backend.has_value());
  RandomLlama model(**backend, shape, kTokens, kTokens);
  auto plan = (*backend)->compile(model.graph(), {mode, kTokens, kTokens});
  EXPECT_TRUE(plan.has_value());
  const std::vector<TokenId> ids = prompt();
  std::vector<float> all;
  std::int64_t position = 0;
  for (const std::int64_t chunk : chunks) {
    const std::span tokens(ids.data() + position, static_cast<std::size_t>(chunk));
    const auto rows = model.step(**backend, **plan, tokens, position, chunk);
    all.insert(all.end(), rows.begin(), rows.end());
    position += chunk;
  }
  return all;
}

double largest_difference(const std::vector<float>& a, const std::vector<float>& b) {
  EXPECT_EQ(a.size(), b.size());
  double largest = 0;
  for (std::size_t i = 0; i < a.size(); ++i) {
    largest = std::max(largest, std::fabs(static_cast<double>(a[i]) - b[i]));
  }
  return largest;
}

struct Closeness {
  double cosine = 1;   // lowest of all rows
  double mean_kl = 0;  // of the softmaxes
};

Closeness compare(const std::vector<float>& want, const std::vector<float>& have,
                  std::size_t cols) {
  Closeness result;
  const std::size_t rows = want.size() / cols;
  for (std::size_t r = 0; r < rows; ++r) {
    const float* a = want.data() + r * cols;
    const float* b = have.data() + r * cols;
    double ab = 0;
    double aa = 0;
    double bb = 0;
    double sum_a = 0;
    double sum_b = 0;
    for (std::size_t i = 0; i < cols; ++i) {
      ab += static_cast<double>(a[i]) * b[i];
      aa += static_cast<double>(a[i]) * a[i];
      bb += static_cast<double>(b[i]) * b[i];
      sum_a += std::exp(static_cast<double>(a[i]));
      sum_b += std::exp(static_cast<double>(b[i]));
    }
    for (std::size_t i = 0; i < cols; ++i) {
      const double log_a = a[i] - std::log(sum_a);
      const double log_b = b[i] - std::log(sum_b);
      result.mean_kl += std::exp(log_a) * (log_a - log_b) / static_cast<double>(rows);
    }
    result.cosine = std::min(result.cosine, ab / std::sqrt(aa * bb));
  }
  return result;
}

class NumericModes : public testing::TestWithParam<std::string_view> {};

TEST_P(NumericModes, ExactModeSaysTheSameHoweverItIsRun) {
  const std::string set(GetParam());
  const auto want = logits(kShape, "scalar", 1, NumericMode::exact, {kTokens});
  for (const auto& chunks :
       std::vector<std::vector<std::int64_t>>{{kTokens}, {1, 23}, {20, 1, 1, 2}, {4, 5, 3, 12}}) {
    EXPECT_LT(largest_difference(want, logits(kShape, set, 2, NumericMode::exact, chunks)), 1e-3);
  }
}

TEST_P(NumericModes, FastModeStaysClose) {
  const std::string set(GetParam());
  for (const DType dtype : {DType::q4_0, DType::q4_1, DType::q8_0, DType::f16}) {
    LlamaShape shape = kShape;
    shape.weights = dtype;
    const auto want = logits(shape, "scalar", 1, NumericMode::exact, {kTokens});
    for (const auto& chunks : std::vector<std::vector<std::int64_t>>{{kTokens}, {20, 1, 1, 2}}) {
      const auto have = logits(shape, set, 2, NumericMode::fast, chunks);
      const Closeness closeness = compare(want, have, static_cast<std::size_t>(shape.vocab));
      EXPECT_GE(closeness.cosine, 0.999) << dtype_info(dtype).name;
      EXPECT_LE(closeness.mean_kl, 0.01) << dtype_info(dtype).name;
    }
  }
}

TEST_P(NumericModes, ThreadsDoNotChangeABit) {
  const std::string set(GetParam());
  for (const NumericMode mode : {NumericMode::exact, NumericMode::fast}) {
    const auto one = logits(kShape, set, 1, mode, {20, 1, 3});
    EXPECT_EQ(one, logits(kShape, set, 3, mode, {20, 1, 3}));
  }
}

INSTANTIATE_TEST_SUITE_P(Cpu, NumericModes, testing::ValuesIn(available_instruction_sets()),
                         [](const auto& set) { return std::string(set.param); });

}  // namespace
}  // namespace mneme
