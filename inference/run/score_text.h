// SPDX-License-Identifier: Apache-2.0
// A text of any length, scored token by token: the windows that it is read in, and the logits that
// each token which counts was predicted with. Nothing of a window is kept for the next one. On the
// thread of the engines.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <optional>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/run/engine.h"

namespace mneme {

enum class WindowPlan : std::uint8_t {
  overlapping,  // each begins in the middle of the one before, and every token counts once: of the
                // first window all that something stands before, of the others the new half
  llama_cpp,    // as llama.cpp's perplexity has them: whole windows side by side, of which the
                // second half counts; what is left of the text is not read
};

struct ScoreOptions {
  std::int64_t window = 0;  // tokens, with the start token
  WindowPlan plan = WindowPlan::overlapping;
  std::optional<TokenId> start;  // what every window begins with; none = with its text
};

// As a model reads a text: its context, and its start token where the file asks for one.
ScoreOptions score_options_of(const Engine& engine);

// Of the text's tokens: read from `begin`, counted from `counted` to `end`.
struct ScoreWindow {
  std::int64_t begin = 0;
  std::int64_t counted = 0;
  std::int64_t end = 0;
};
// At least one, for a text of `tokens`. Errors: invalid (no token of it would count; says why).
Result<std::vector<ScoreWindow>> plan_windows(std::int64_t tokens, const ScoreOptions& options);
std::int64_t counted_tokens(std::span<const ScoreWindow> windows);

// Reads the windows by every engine; their vocabularies are the same. `sink` gets, in order, every
// token that counts: its index in the text, and what each engine predicted it with, valid in the
// call. A few rows of logits are kept of each engine but the last, no more. Errors as
// Engine::evaluate; what the sink got before counts.
using ScoreSink =
    std::function<void(std::int64_t index, std::span<const std::span<const float>> logits)>;
Status score_text(std::span<Engine* const> engines, std::span<const TokenId> tokens,
                  std::span<const ScoreWindow> windows, const ScoreOptions& options,
                  const ScoreSink& sink, const std::atomic<bool>* cancel);

}  // namespace mneme
