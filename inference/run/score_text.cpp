// SPDX-License-Identifier: Apache-2.0
#include "inference/run/score_text.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstddef>

#include "base/check.h"
#include "inference/text/tokenizer.h"

namespace mneme {
namespace {

// Positions that engines take turns at; as many as have logits in one step of a session.
constexpr std::int64_t kTurn = 32;

// One window, by every engine.
class WindowScorer {
 public:
  WindowScorer(std::span<Engine* const> engines, const ScoreSink& sink,
               const std::atomic<bool>* cancel)
      : engines_(engines),
        sink_(sink),
        cancel_(cancel),
        rows_(engines.size()),
        kept_(engines.size() - 1) {}

  // `tokens` as they are read; `index` is the text's index of the first of them. Those from
  // `counted` on count.
  Status score(std::span<const TokenId> tokens, std::int64_t counted, std::int64_t index) {
    for (Engine* const engine : engines_) engine->forget();
    const auto end = static_cast<std::int64_t>(tokens.size()) - 1;  // the last predicts nothing
    // One engine takes it all at once: table rows are then read ahead of every step.
    const std::int64_t turn = engines_.size() == 1 ? end : kTurn;
    for (std::int64_t from = counted - 1; from < end; from += turn) {
      const auto part = tokens.first(static_cast<std::size_t>(std::min(from + turn, end)));
      for (std::size_t e = 0; e + 1 < engines_.size(); ++e) RETURN_IF_ERROR(keep(e, part, from));
      const auto give = [&](std::int64_t position, std::span<const float> logits) {
        for (std::size_t e = 0; e < kept_.size(); ++e) {
          const auto row = static_cast<std::size_t>(position - from) * logits.size();
          rows_[e] = std::span(kept_[e]).subspan(row, logits.size());
        }
        rows_.back() = logits;
        sink_(index + position + 1, rows_);
      };
      RETURN_IF_ERROR(engines_.back()->evaluate(part, true, give, nullptr, false, cancel_, from));
    }
    return {};
  }

 private:
  Status keep(std::size_t engine, std::span<const TokenId> tokens, std::int64_t from) {
    std::vector<float>& rows = kept_[engine];
    rows.clear();
    const auto append = [&](std::int64_t, std::span<const float> logits) {
      rows.insert(rows.end(), logits.begin(), logits.end());
    };
    return engines_[engine]->evaluate(tokens, true, append, nullptr, false, cancel_, from);
  }

  const std::span<Engine* const> engines_;
  const ScoreSink& sink_;
  const std::atomic<bool>* const cancel_;
  std::vector<std::span<const float>> rows_;  // [engines], of one position
  std::vector<std::vector<float>> kept_;      // of each engine but the last, [kTurn, vocabulary]
};

Result<std::vector<ScoreWindow>> overlapping_windows(std::int64_t tokens,
                                                     const ScoreOptions& options) {
  const std::int64_t start = options.start ? 1 : 0;
  const std::int64_t most = options.window - start;
  std::vector<ScoreWindow> windows = {{0, 1 - start, std::min(tokens, most)}};
  if (tokens <= windows.back().counted) {
    return Error{ErrorCode::invalid, tokens == 0 ? "there is no text to score"
                                                 : "one token is no text to score: nothing stands "
                                                   "before it that it could be predicted from"};
  }
  while (windows.back().end < tokens) {
    const std::int64_t done = windows.back().end;
    const std::int64_t end = std::min(tokens, done + options.window / 2);
    windows.push_back({end - most, done, end});
  }
  return windows;
}

Result<std::vector<ScoreWindow>> llama_cpp_windows(std::int64_t tokens,
                                                   const ScoreOptions& options) {
  // There the start token is one of the text's first window, and takes the place of the first token
  // of each other window.
  const std::int64_t start = options.start ? 1 : 0;
  const std::int64_t half = options.window / 2;
  std::vector<ScoreWindow> windows;
  for (std::int64_t begin = 0; begin + options.window - start <= tokens; begin += options.window) {
    windows.push_back({begin, begin + half + 1 - start, begin + options.window - start});
  }
  if (windows.empty()) {
    return Error{ErrorCode::invalid,
                 fmt::format("a text of {} tokens does not fill a window of {}: give it a smaller "
                             "one with --ctx",
                             tokens, options.window)};
  }
  return windows;
}

}  // namespace

ScoreOptions score_options_of(const Engine& engine) {
  ScoreOptions options;
  options.window = engine.layout().context;
  if (engine.tokenizer().adds_bos()) options.start = engine.tokenizer().bos();
  return options;
}

Result<std::vector<ScoreWindow>> plan_windows(std::int64_t tokens, const ScoreOptions& options) {
  return options.plan == WindowPlan::overlapping ? overlapping_windows(tokens, options)
                                                 : llama_cpp_windows(tokens, options);
}

std::int64_t counted_tokens(std::span<const ScoreWindow> windows) {
  std::int64_t sum = 0;
  for (const ScoreWindow& window : windows) sum += window.end - window.counted;
  return sum;
}

Status score_text(std::span<Engine* const> engines, std::span<const TokenId> tokens,
                  std::span<const ScoreWindow> windows, const ScoreOptions& options,
                  const ScoreSink& sink, const std::atomic<bool>* cancel) {
  CHECK(!engines.empty());
  WindowScorer scorer(engines, sink, cancel);
  std::vector<TokenId> read;
  for (const ScoreWindow& window : windows) {
    read.clear();
    if (options.start) read.push_back(*options.start);
    const std::int64_t index = window.begin - static_cast<std::int64_t>(read.size());
    const auto text = tokens.subspan(static_cast<std::size_t>(window.begin),
                                     static_cast<std::size_t>(window.end - window.begin));
    read.insert(read.end(), text.begin(), text.end());
    RETURN_IF_ERROR(scorer.score(read, window.counted - index, index));
  }
  return {};
}

}  // namespace mneme
