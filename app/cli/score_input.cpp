// SPDX-License-Identifier: Apache-2.0
#include "app/cli/score_input.h"

#include <fmt/format.h>

#include <cmath>
#include <nlohmann/json.hpp>
#include <utility>

#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/printable.h"
#include "inference/text/tokenizer.h"

namespace mneme::cli {

void add_score_options(CLI::App& app, ScoreInput& input) {
  add_name(
      app, "file", input.file, "FILE",
      "the text, UTF-8, of at most 64 MiB; special tokens in it are read as text. Ctrl+C prints "
      "what was counted so far")
      ->required();
  add_choice<WindowPlan>(
      app, "--windows", input.plan,
      {{"overlapping", WindowPlan::overlapping}, {"llama.cpp", WindowPlan::llama_cpp}},
      "how the text is read in windows, each as long as the context (--ctx) and beginning with the "
      "start token where the model asks for one. overlapping: each window begins half a window "
      "behind the one before, and every token counts once: of the first window all that something "
      "stands before, of the others the new half. llama.cpp: as that program's perplexity counts: "
      "whole windows side by side, of which the second half counts, without the rest of the text",
      "overlapping");
}

Result<ScoredText> prepare_text(const ScoreInput& input, const std::string& text,
                                const Engine& engine, std::int64_t window) {
  ScoredText scored;
  scored.tokens = engine.tokenizer().encode(text);
  scored.options = score_options_of(engine);
  scored.options.window = window;
  scored.options.plan = input.plan;
  auto windows = plan_windows(static_cast<std::int64_t>(scored.tokens.size()), scored.options);
  if (!windows) return windows.error().with(input.file);
  scored.windows = std::move(*windows);
  scored.counted = counted_tokens(scored.windows);
  return scored;
}

ScoreProgress::~ScoreProgress() {
  show_progress("");
}

bool ScoreProgress::is_due() {
  constexpr auto kEvery = std::chrono::milliseconds(100);
  const auto now = Clock::now();
  if (now < next_) return false;
  next_ = now + kEvery;
  return true;
}

void ScoreProgress::print(std::int64_t done, const std::string& figure) const {
  const double seconds = std::chrono::duration<double>(Clock::now() - began_).count();
  const auto share = static_cast<double>(done) / static_cast<double>(tokens_);
  show_progress(fmt::format("{} of {} tokens, {}, {:.0f} s left", done, tokens_, figure,
                            seconds * (1 - share) / share));
}

double perplexity_of(const RunningMean& loss) {
  return std::exp(loss.mean());
}

double perplexity_error_of(const RunningMean& loss) {
  return perplexity_of(loss) * loss.standard_error();
}

std::string perplexity_text(const RunningMean& loss) {
  return fmt::format("{:.4f} +/- {:.4f}", perplexity_of(loss), perplexity_error_of(loss));
}

void add_model_json(nlohmann::ordered_json& json, const ModelLayout& layout) {
  json["model"] = layout.name;
  json["weights"] = layout.quantization;
  json["memory"] =
      layout.memory ? nlohmann::ordered_json(layout.memory->name) : nlohmann::ordered_json();
  json["device"] = layout.device;
  json["numeric_mode"] = layout.numeric_mode;
}

std::string model_text(const ModelLayout& layout) {
  return fmt::format("{}, {}, {}, {} arithmetic, {}", printable(layout.name), layout.quantization,
                     layout.device, layout.numeric_mode,
                     layout.memory ? "memory " + printable(layout.memory->name) : "no memory");
}

}  // namespace mneme::cli
