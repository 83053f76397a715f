// SPDX-License-Identifier: Apache-2.0
// What `perplexity` and `compare` share: the text that is scored, its windows, and how far they
// are.
#pragma once

#include <CLI/App.hpp>
#include <chrono>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/run/engine.h"
#include "inference/run/logit_statistics.h"
#include "inference/run/score_text.h"

namespace mneme::cli {

struct ScoreInput {
  std::string file;
  WindowPlan plan = WindowPlan::overlapping;
};

// The file and how it is cut into windows.
void add_score_options(CLI::App& app, ScoreInput& input);

// A text as it is scored.
struct ScoredText {
  std::vector<TokenId> tokens;
  ScoreOptions options;
  std::vector<ScoreWindow> windows;
  std::int64_t counted = 0;  // tokens that count, of all windows
};

// As `engine` reads the text, in windows of `window` tokens. Errors: invalid (no token would
// count).
Result<ScoredText> prepare_text(const ScoreInput& input, const std::string& text,
                                const Engine& engine, std::int64_t window);

// On a terminal's stderr, ten times a second at most: how many of the tokens are counted, and what
// `figure` says of them.
class ScoreProgress {
 public:
  explicit ScoreProgress(std::int64_t tokens) : tokens_(tokens) {}
  ~ScoreProgress();
  template <typename Figure>
  void show(std::int64_t done, const Figure& figure) {
    if (is_due()) print(done, figure());
  }

 private:
  using Clock = std::chrono::steady_clock;
  bool is_due();
  void print(std::int64_t done, const std::string& figure) const;

  const std::int64_t tokens_;
  const Clock::time_point began_ = Clock::now();
  Clock::time_point next_ = began_;
};

// Of the mean of -log(probability), in nats: exp of it, and the standard error of that.
double perplexity_of(const RunningMean& loss);
double perplexity_error_of(const RunningMean& loss);
std::string perplexity_text(const RunningMean& loss);  // "12.3456 +/- 0.1234"

// Which model it was and how it ran: model, memory, device, numeric mode.
void add_model_json(nlohmann::ordered_json& json, const ModelLayout& layout);
std::string model_text(const ModelLayout& layout);  // for a person

}  // namespace mneme::cli
