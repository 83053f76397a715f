// SPDX-License-Identifier: Apache-2.0
// Texts are scored token by token: which tokens count, with which logits, and what is made of them.
#include "inference/run/score_text.h"

#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "inference/run/logit_statistics.h"
#include "inference/text/tokenizer.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

std::vector<ScoreWindow> windows_of(std::int64_t tokens, std::int64_t window, WindowPlan plan,
                                    std::optional<TokenId> start = {}) {
  const auto windows = plan_windows(tokens, {window, plan, start});
  EXPECT_TRUE(windows) << windows.error().message;
  return windows ? *windows : std::vector<ScoreWindow>();
}

TEST(ScoreWindows, OverlappingOnesCountEveryTokenOnceWithHalfAWindowBefore) {
  for (const std::int64_t start : {0, 1}) {
    const auto start_token = start == 1 ? std::optional<TokenId>(1) : std::nullopt;
    for (const std::int64_t window : {16, 17, 64}) {
      for (std::int64_t tokens = 2 - start; tokens < 300; ++tokens) {
        const auto windows = windows_of(tokens, window, WindowPlan::overlapping, start_token);
        std::int64_t next = 1 - start;
        for (const ScoreWindow& w : windows) {
          ASSERT_EQ(w.counted, next);
          ASSERT_LT(w.counted, w.end);
          ASSERT_GE(w.begin, 0);
          ASSERT_LE(w.end - w.begin + start, window);
          if (w.begin > 0) {
            ASSERT_GE(w.counted - w.begin + start, window / 2);
          }
          next = w.end;
        }
        ASSERT_EQ(next, tokens);
        ASSERT_EQ(counted_tokens(windows), tokens - 1 + start);
      }
    }
  }
}

TEST(ScoreWindows, ThoseOfLlamaCppCountTheSecondHalfOfWholeWindows) {
  // Positions 9 to 15 of 16 are predicted from what stands before them in the window.
  const auto plain = windows_of(50, 16, WindowPlan::llama_cpp);
  ASSERT_EQ(plain.size(), 3u);
  EXPECT_EQ(plain[1].begin, 16);
  EXPECT_EQ(plain[1].counted, 16 + 9);
  EXPECT_EQ(plain[1].end, 32);
  EXPECT_EQ(counted_tokens(plain), 3 * 7);
  // The start token takes the place of the first.
  const auto started = windows_of(47, 16, WindowPlan::llama_cpp, TokenId{1});
  ASSERT_EQ(started.size(), 3u);
  EXPECT_EQ(started[1].begin, 16);
  EXPECT_EQ(started[1].counted, 16 + 8);
  EXPECT_EQ(started[1].end, 31);
}

TEST(ScoreWindows, ATextOfNothingToCountIsRefused) {
  EXPECT_FALSE(plan_windows(0, {16, WindowPlan::overlapping, {}}));
  EXPECT_FALSE(plan_windows(1, {16, WindowPlan::overlapping, {}}));
  EXPECT_FALSE(plan_windows(0, {16, WindowPlan::overlapping, TokenId{1}}));
  EXPECT_TRUE(plan_windows(1, {16, WindowPlan::overlapping, TokenId{1}}));
  EXPECT_FALSE(plan_windows(15, {16, WindowPlan::llama_cpp, {}}));
  EXPECT_FALSE(plan_windows(14, {16, WindowPlan::llama_cpp, TokenId{1}}));
  EXPECT_TRUE(plan_windows(15, {16, WindowPlan::llama_cpp, TokenId{1}}));
}

class ScoreText : public ::testing::Test {
 protected:
  void SetUp() override { model_ = write_tiny_model(folder_.path()); }

  std::unique_ptr<Engine> open(EngineOptions options) {
    options.model_path = model_;
    options.threads = 1;
    options.exact = true;
    auto opened = Engine::open(options);
    EXPECT_TRUE(opened) << opened.error().message;
    return std::move(*opened);
  }

  static std::vector<TokenId> some_tokens(std::size_t count) {
    std::vector<TokenId> tokens;
    for (std::size_t i = 0; i < count; ++i)
      tokens.push_back(static_cast<TokenId>((i * 37 + i * i * 11) % 256));
    return tokens;
  }

  TemporaryFolder folder_;
  std::string model_;
};

TEST_F(ScoreText, EveryTokenComesWithTheLogitsOfItsOwnWindow) {
  const auto with = open({.context = 96});
  const auto without = open({.memory = "off", .context = 128});
  const std::vector<TokenId> tokens = some_tokens(200);
  for (const auto start : {std::optional<TokenId>(), std::optional<TokenId>(256)}) {
    const ScoreOptions options{96, WindowPlan::overlapping, start};
    const auto windows = windows_of(200, options.window, options.plan, start);
    // By both at once, in turns of a few positions.
    Engine* const both[] = {with.get(), without.get()};
    std::vector<std::vector<float>> rows[2];
    const Status scored = score_text(
        both, tokens, windows, options,
        [&](std::int64_t index, std::span<const std::span<const float>> logits) {
          EXPECT_EQ(index, static_cast<std::int64_t>(rows[0].size()) + (start ? 0 : 1));
          for (int e = 0; e < 2; ++e) rows[e].emplace_back(logits[e].begin(), logits[e].end());
        },
        nullptr);
    ASSERT_TRUE(scored) << scored.error().message;
    ASSERT_EQ(static_cast<std::int64_t>(rows[0].size()), counted_tokens(windows));
    // Each window on its own, from scratch, with the logits of every position.
    for (int e = 0; e < 2; ++e) {
      std::size_t at = 0;
      for (const ScoreWindow& window : windows) {
        std::vector<TokenId> read;
        if (start) read.push_back(*start);
        read.insert(read.end(), tokens.begin() + window.begin, tokens.begin() + window.end);
        const auto first = window.counted - window.begin + (start ? 1 : 0) - 1;
        const auto end = static_cast<std::int64_t>(read.size()) - 1;
        const Status evaluated = both[e]->evaluate(
            read, true, [&](std::int64_t position, std::span<const float> logits) {
              if (position < first || position >= end) return;
              ASSERT_LT(at, rows[e].size());
              for (std::size_t i = 0; i < logits.size(); ++i)
                ASSERT_NEAR(rows[e][at][i], logits[i], 2e-5) << at << " " << i;
              ++at;
            });
        ASSERT_TRUE(evaluated) << evaluated.error().message;
      }
      EXPECT_EQ(at, rows[e].size());
    }
  }
}

TEST_F(ScoreText, AStopLeavesWhatWasCounted) {
  const auto engine = open({.context = 64});
  const std::vector<TokenId> tokens = some_tokens(300);
  const ScoreOptions options{64, WindowPlan::overlapping, {}};
  std::atomic<bool> stop = false;
  std::int64_t counted = 0;
  Engine* const engines[] = {engine.get()};
  const Status scored = score_text(
      engines, tokens, windows_of(300, 64, options.plan), options,
      [&](std::int64_t, std::span<const std::span<const float>>) { stop = ++counted >= 100; },
      &stop);
  ASSERT_FALSE(scored);
  EXPECT_EQ(scored.error().code, ErrorCode::cancelled);
  EXPECT_GE(counted, 100);
  EXPECT_LT(counted, 299);
}

TEST_F(ScoreText, GoingOnEvaluatesOnlyWhatIsNew) {
  const auto engine = open({});
  const std::vector<TokenId> tokens = some_tokens(90);
  std::vector<std::vector<float>> whole(90);
  const auto keep = [](std::vector<std::vector<float>>& rows) {
    return [&rows](std::int64_t position, std::span<const float> logits) {
      rows[static_cast<std::size_t>(position)].assign(logits.begin(), logits.end());
    };
  };
  ASSERT_TRUE(engine->evaluate(tokens, true, keep(whole)));
  std::vector<std::vector<float>> parts(90);
  TraceLog trace;
  engine->forget();
  ASSERT_TRUE(
      engine->evaluate(std::span(tokens).first(50), true, keep(parts), &trace, false, nullptr, 40));
  EXPECT_EQ(trace.size(), 50u);
  EXPECT_TRUE(parts[39].empty());
  ASSERT_TRUE(engine->evaluate(tokens, true, keep(parts), &trace, false, nullptr, 50));
  EXPECT_EQ(trace.size(), 90u);
  for (std::size_t i = 40; i < 90; ++i) {
    ASSERT_EQ(parts[i].size(), whole[i].size()) << i;
    for (std::size_t j = 0; j < whole[i].size(); ++j) ASSERT_NEAR(parts[i][j], whole[i][j], 2e-5);
  }
  // Another beginning is read again.
  std::vector<TokenId> other = tokens;
  other[3] = 200;
  ASSERT_TRUE(engine->evaluate(other, true, keep(whole)));
  ASSERT_TRUE(engine->evaluate(tokens, true, keep(whole)));
  ASSERT_TRUE(engine->evaluate(other, true, keep(parts), nullptr, false, nullptr, 80));
  ASSERT_TRUE(engine->evaluate(other, true, keep(whole)));
  for (std::size_t j = 0; j < whole[89].size(); ++j) ASSERT_NEAR(parts[89][j], whole[89][j], 2e-5);
}

TEST(LogitStatistics, TheMeanAndItsErrorAreThoseOfTheFormulas) {
  RunningMean mean;
  EXPECT_EQ(mean.mean(), 0);
  mean.add(1e9 + 1);
  EXPECT_EQ(mean.standard_error(), 0);
  for (const double value : {2, 3, 4}) mean.add(1e9 + value);
  EXPECT_EQ(mean.count(), 4);
  EXPECT_DOUBLE_EQ(mean.mean(), 1e9 + 2.5);
  EXPECT_NEAR(mean.standard_error(), std::sqrt(5.0 / 3 / 4), 1e-9);
}

TEST(LogitStatistics, ProbabilitiesAreThoseOfLongDoubles) {
  std::vector<float> a, b;
  for (int i = 0; i < 1000; ++i) {
    a.push_back(static_cast<float>(std::sin(i) * 30 + 700));
    b.push_back(static_cast<float>(std::sin(i * 1.001) * 28 - 900));
  }
  const auto log_probs = [](const std::vector<float>& logits) {
    long double sum = 0;
    std::vector<long double> out;
    for (const float x : logits) sum += std::exp(static_cast<long double>(x));
    for (const float x : logits) out.push_back(x - std::log(sum));
    return out;
  };
  const auto p = log_probs(a);
  const auto q = log_probs(b);
  long double kl = 0;
  for (std::size_t i = 0; i < p.size(); ++i) kl += std::exp(p[i]) * (p[i] - q[i]);
  const LogitDifference d = compare_logits(a, b, 77);
  EXPECT_NEAR(d.kl, static_cast<double>(kl), 1e-11);
  EXPECT_NEAR(d.log_prob_a, static_cast<double>(p[77]), 1e-11);
  EXPECT_NEAR(d.log_prob_b, static_cast<double>(q[77]), 1e-11);
  EXPECT_NEAR(log_probability(a, 77), static_cast<double>(p[77]), 1e-11);
  EXPECT_EQ(d.best_a, std::max_element(a.begin(), a.end()) - a.begin());
  EXPECT_EQ(d.best_b, std::max_element(b.begin(), b.end()) - b.begin());
  EXPECT_NEAR(d.largest, 730, 0.01);
  double difference = 0;
  for (std::size_t i = 0; i < a.size(); ++i)
    difference = std::max(difference, std::abs(double{a[i]} - b[i]));
  EXPECT_EQ(d.largest_difference, difference);
  EXPECT_LT(d.cosine, -0.99);
  const LogitDifference same = compare_logits(a, a, 0);
  EXPECT_EQ(same.kl, 0);
  EXPECT_EQ(same.largest_difference, 0);
  EXPECT_DOUBLE_EQ(same.cosine, 1);
}

}  // namespace
}  // namespace mneme
