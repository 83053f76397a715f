// SPDX-License-Identifier: Apache-2.0
#include "engram/engram_math.h"

#include <gtest/gtest.h>

#include <cmath>
#include <random>

#include "engram/row_codec.h"

namespace mneme {
namespace {

double sigmoid(double x) {
  return 1 / (1 + std::exp(-x));
}

std::vector<float> random_floats(std::mt19937& random, std::size_t count, float scale = 1) {
  std::normal_distribution<float> normal(0, scale);
  std::vector<float> out(count);
  for (float& v : out) v = normal(random);
  return out;
}

// Weights of a module small enough to reason about; owns what PaperWeights points to.
struct Module {
  EngramShape shape;
  std::vector<float> key_w, key_b, value_w, value_b, key_norm, query_norm, conv_norm, conv;
  PaperWeights weights;

  Module(std::size_t streams, std::size_t width, std::size_t memory, unsigned seed)
      : shape{streams, width, memory} {
    std::mt19937 random(seed);
    const std::size_t channels = streams * width;
    key_w = random_floats(random, channels * memory);
    key_b = random_floats(random, channels);
    value_w = random_floats(random, width * memory);
    value_b = random_floats(random, width);
    key_norm = random_floats(random, channels);
    query_norm = random_floats(random, channels);
    conv_norm = random_floats(random, channels);
    conv = random_floats(random, channels * 4);
    weights = {key_w, key_b, value_w, value_b, key_norm, query_norm, conv_norm, conv};
  }
};

TEST(EngramMath, TheTwoRulesForAScoreOfZero) {
  EXPECT_EQ(paper_gate(0.0), 0.5);
  EXPECT_EQ(paper_gate(-0.0), 0.5);
  EXPECT_DOUBLE_EQ(v41_gate(0.0), sigmoid(0.001));
  EXPECT_DOUBLE_EQ(v41_gate(-0.0), sigmoid(-0.001));
  for (const double score : {-4.0, -1e-9, 1e-9, 0.25, 9.0}) {
    EXPECT_DOUBLE_EQ(paper_gate(score), v41_gate(score));
  }
  EXPECT_DOUBLE_EQ(paper_gate(0.25), sigmoid(0.5));
  EXPECT_DOUBLE_EQ(paper_gate(-1e-9), sigmoid(-0.001));
}

TEST(EngramMath, WithoutAConvolutionTheUpdateIsGateTimesValue) {
  Module m(1, 6, 8, 3);
  m.weights.conv = {};
  std::mt19937 random(4);
  const auto hidden = random_floats(random, 5 * 6), memory = random_floats(random, 5 * 8);
  const EngramOutput out = PaperEngram(m.shape, m.weights).run(hidden, memory);
  for (std::size_t t = 0; t < 5; ++t) {
    double added = 0, before = 0;
    for (std::size_t i = 0; i < 6; ++i) {
      double value = m.value_b[i];
      for (std::size_t j = 0; j < 8; ++j) {
        value += static_cast<double>(m.value_w[i * 8 + j]) * memory[t * 8 + j];
      }
      EXPECT_NEAR(out.streams[t * 6 + i], out.gates[t] * value, 1e-12);
      added += out.streams[t * 6 + i] * out.streams[t * 6 + i];
      before += static_cast<double>(hidden[t * 6 + i]) * hidden[t * 6 + i];
    }
    EXPECT_NEAR(out.writes[t], std::sqrt(added / before), 1e-12);
  }
}

TEST(EngramMath, TheConvolutionReachesNineTokensBackAndNoFurther) {
  Module m(2, 4, 8, 5);
  std::mt19937 random(6);
  const std::size_t tokens = 14;
  const auto hidden = random_floats(random, tokens * 8);
  auto memory = random_floats(random, tokens * 8);
  const EngramOutput before = PaperEngram(m.shape, m.weights).run(hidden, memory);
  for (std::size_t j = 0; j < 8; ++j) memory[2 * 8 + j] += 1;
  const EngramOutput after = PaperEngram(m.shape, m.weights).run(hidden, memory);
  for (std::size_t t = 0; t < tokens; ++t) {
    bool changed = false;
    for (std::size_t c = 0; c < 8; ++c) {
      changed = changed || before.streams[t * 8 + c] != after.streams[t * 8 + c];
    }
    const bool reached = t >= 2 && t <= 11 && (t - 2) % 3 == 0;  // taps at 0, 3, 6 and 9
    EXPECT_EQ(changed, reached) << t;
  }
}

TEST(EngramMath, StreamsShareTheValueAndNothingElse) {
  Module m(3, 4, 8, 7);
  m.weights.conv = {};
  std::mt19937 random(8);
  auto hidden = random_floats(random, 3 * 4);
  const auto memory = random_floats(random, 8);
  const EngramOutput before = PaperEngram(m.shape, m.weights).run(hidden, memory);
  for (std::size_t i = 4; i < 8; ++i) hidden[i] = -hidden[i];  // the middle stream
  const EngramOutput after = PaperEngram(m.shape, m.weights).run(hidden, memory);
  EXPECT_EQ(before.gates[0], after.gates[0]);
  EXPECT_NEAR(before.gates[1], 1 - after.gates[1], 1e-12);
  EXPECT_EQ(before.gates[2], after.gates[2]);
  EXPECT_NEAR(before.streams[0] / before.gates[0], before.streams[8] / before.gates[2], 1e-9);
}

TEST(EngramMath, NothingAddedToAZeroStreamIsAWriteOfNothing) {
  Module m(1, 4, 8, 9);
  m.weights.conv = {};
  std::fill(m.value_w.begin(), m.value_w.end(), 0.0f);
  std::fill(m.value_b.begin(), m.value_b.end(), 0.0f);
  const std::vector<float> zeros(4, 0.0f), memory(8, 1.0f);
  EXPECT_EQ(PaperEngram(m.shape, m.weights).run(zeros, memory).writes[0], 0);
}

TEST(EngramMath, V41RoundsItsMemoryOnlyWhereAsked) {
  std::mt19937 random(10);
  const EngramShape shape{2, 4, 64};
  const auto wkv = random_floats(random, 3 * 4 * 64), q = random_floats(random, 8);
  const auto k = random_floats(random, 8), hidden = random_floats(random, 8);
  auto memory = random_floats(random, 64);
  const V41Weights plain{wkv, q, k, 1e-20, false};
  const V41Weights rounded{wkv, q, k, 1e-20, true};
  EXPECT_NE(v41_engram(shape, plain, hidden, memory).streams,
            v41_engram(shape, rounded, hidden, memory).streams);
  for (std::size_t i = 0; i < 64; ++i) memory[i] = static_cast<float>(i % 9) / 4;  // exact in fp8
  EXPECT_EQ(v41_engram(shape, plain, hidden, memory).streams,
            v41_engram(shape, rounded, hidden, memory).streams);
}

TEST(EngramMath, BfloatHoldsRowsExactlyWithinItsRange) {
  for (int scale = 0; scale < 255; ++scale) {
    bool exact = true;
    for (int code = 0; code < 0x7f; ++code) {
      double value = e4m3_to_double(static_cast<std::uint8_t>(code)) *
                     e8m0_to_double(static_cast<std::uint8_t>(scale));
      const double before = value;
      round_to_bfloat(std::span(&value, 1));
      exact = exact && value == before;
    }
    EXPECT_EQ(exact, scale >= 3 && scale <= 246) << scale;
  }
}

}  // namespace
}  // namespace mneme
