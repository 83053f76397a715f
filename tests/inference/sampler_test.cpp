// SPDX-License-Identifier: Apache-2.0
#include "inference/run/sampler.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>
#include <numeric>
#include <random>

#include "inference/settings/setting.h"
#include "inference/settings/settings.h"

namespace mneme {
namespace {

std::vector<float> noise(std::size_t size, std::uint32_t seed, float scale) {
  std::mt19937 random(seed);
  std::normal_distribution<float> normal;
  std::vector<float> values(size);
  for (float& value : values) value = scale * normal(random);
  return values;
}

double exact_log_sum_exp(const std::vector<float>& logits) {
  const double max = *std::max_element(logits.begin(), logits.end());
  double sum = 0;
  for (const float logit : logits) sum += std::exp(logit - max);
  return max + std::log(sum);
}

std::map<TokenId, int> counts(const SamplerOptions& options, const std::vector<float>& logits,
                              int picks) {
  Sampler sampler(options, 42);
  std::map<TokenId, int> seen;
  for (int i = 0; i < picks; ++i) ++seen[sampler.pick(logits, {})];
  return seen;
}

// Every filter off.
SamplerOptions open_options() {
  SamplerOptions options;
  options.temperature = 1;
  options.top_k = 0;
  options.top_p = 1;
  options.min_p = 0;
  options.repetition_penalty = 1;
  return options;
}

TEST(LogSumExp, EqualsTheExactOneForAnySizeAndScale) {
  for (const std::size_t size : {1u, 2u, 15u, 16u, 17u, 255u, 1000u, 49152u}) {
    for (const float scale : {0.0f, 0.1f, 3.0f, 40.0f}) {
      const auto logits = noise(size, static_cast<std::uint32_t>(size), scale);
      EXPECT_NEAR(log_sum_exp(logits), exact_log_sum_exp(logits), 1e-5 * std::max(1.0f, scale))
          << size << " " << scale;
    }
  }
}

TEST(LogSumExp, SurvivesLogitsFarApart) {
  EXPECT_FLOAT_EQ(log_sum_exp(std::vector<float>{-1000.0f, 1000.0f}), 1000.0f);
  EXPECT_NEAR(log_sum_exp(std::vector<float>{-1e30f, 0.0f, 0.0f}), std::log(2.0f), 1e-6);
}

TEST(TokenProbabilities, NamesTheEightBestInOrder) {
  for (const std::size_t size : {3u, 8u, 9u, 300u, 49152u}) {
    const auto logits = noise(size, 7, 4.0f);
    std::vector<TokenId> order(size);
    std::iota(order.begin(), order.end(), 0);
    std::stable_sort(order.begin(), order.end(), [&](TokenId a, TokenId b) {
      return logits[static_cast<std::size_t>(a)] > logits[static_cast<std::size_t>(b)];
    });
    const auto result = token_probabilities(logits, 1);
    ASSERT_EQ(result.top_count, std::min<std::size_t>(8, size));
    for (std::size_t i = 0; i < result.top_count; ++i) {
      EXPECT_EQ(result.top_tokens[i], order[i]);
      EXPECT_NEAR(result.top_log_probs[i],
                  logits[static_cast<std::size_t>(order[i])] - exact_log_sum_exp(logits), 1e-4);
    }
    EXPECT_NEAR(result.log_prob, logits[1] - exact_log_sum_exp(logits), 1e-4);
  }
}

TEST(Sampler, TemperatureZeroTakesTheBest) {
  SamplerOptions options = open_options();
  options.temperature = 0;
  EXPECT_EQ(Sampler(options, 1).pick(std::vector<float>{1, 5, 3}, {}), 1);
}

TEST(Sampler, FollowsTheDistribution) {
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.2f)};
  auto seen = counts(open_options(), logits, 20000);
  EXPECT_NEAR(seen[0] / 20000.0, 0.5, 0.02);
  EXPECT_NEAR(seen[1] / 20000.0, 0.3, 0.02);
  EXPECT_NEAR(seen[2] / 20000.0, 0.2, 0.02);
}

TEST(Sampler, TopKKeepsK) {
  SamplerOptions options = open_options();
  options.top_k = 2;
  const auto seen = counts(options, {0.0f, 0.1f, 0.2f, 0.3f, -1.0f}, 2000);
  EXPECT_EQ(seen.size(), 2u);
  EXPECT_TRUE(seen.contains(3) && seen.contains(2));
}

TEST(Sampler, TopPKeepsTheFewestThatReachIt) {
  SamplerOptions options = open_options();
  options.top_p = 0.7f;
  const std::vector<float> logits = {std::log(0.5f), std::log(0.3f), std::log(0.15f),
                                     std::log(0.05f)};
  EXPECT_EQ(counts(options, logits, 2000).size(), 2u);
}

TEST(Sampler, MinPKeepsWhatIsNearTheBest) {
  SamplerOptions options = open_options();
  options.min_p = 0.5f;
  const std::vector<float> logits = {std::log(0.4f), std::log(0.3f), std::log(0.15f),
                                     std::log(0.15f)};
  EXPECT_EQ(counts(options, logits, 2000).size(), 2u);
}

TEST(Sampler, ThePenaltyPushesRecentTokensDown) {
  SamplerOptions options = open_options();
  options.temperature = 0;
  options.repetition_penalty = 2;
  options.repetition_window = 2;
  const std::vector<float> logits = {3.0f, 2.0f, -1.0f};
  const std::vector<TokenId> recent = {2, 0};
  EXPECT_EQ(Sampler(options, 1).pick(logits, recent), 1);
  const std::vector<TokenId> long_ago = {0, 2, 2};  // 0 lies outside the window
  EXPECT_EQ(Sampler(options, 1).pick(logits, long_ago), 0);
}

TEST(Sampler, TheSameSeedPicksTheSame) {
  const auto logits = noise(500, 3, 1.0f);
  Sampler a(open_options(), 9), b(open_options(), 9), c(open_options(), 10);
  int different = 0;
  for (int i = 0; i < 50; ++i) {
    const TokenId picked = a.pick(logits, {});
    EXPECT_EQ(picked, b.pick(logits, {}));
    different += picked != c.pick(logits, {});
  }
  EXPECT_GT(different, 0);
}

TEST(SamplerOptions, OutOfRangeValuesAreRefusedByName) {
  for (const auto& change : std::vector<void (*)(SamplerOptions&)>{
           [](SamplerOptions& o) { o.temperature = -1; },
           [](SamplerOptions& o) { o.temperature = NAN; }, [](SamplerOptions& o) { o.top_k = -1; },
           [](SamplerOptions& o) { o.top_p = 0; }, [](SamplerOptions& o) { o.min_p = 2; },
           [](SamplerOptions& o) { o.repetition_penalty = 0; },
           [](SamplerOptions& o) { o.repetition_window = -1; }}) {
    SamplerOptions options;
    change(options);
    EXPECT_FALSE(check_sampler_options(options));
  }
  EXPECT_TRUE(check_sampler_options(SamplerOptions{}));
  SamplerOptions hot;
  hot.temperature = 11;
  EXPECT_EQ(check_sampler_options(hot).error().message, "Temperature must be from 0 to 10, not 11");
  // The limits themselves are allowed, also as the floats that they are kept as.
  SamplerOptions limits;
  Settings settings;
  for (const Setting& setting : all_settings()) {
    if (setting.page != SettingPage::sampling || setting.most == 0) continue;
    const SettingValue far = setting.kind == SettingKind::real
                                 ? SettingValue(-1e300)
                                 : SettingValue(std::numeric_limits<std::int64_t>::min());
    setting.put(settings, nearest_value(setting, far));
  }
  limits = settings.chat.sampling;
  EXPECT_TRUE(check_sampler_options(limits));
  EXPECT_EQ(limits.top_p, 0.01f);
}

}  // namespace
}  // namespace mneme
