// SPDX-License-Identifier: Apache-2.0
// mneme-cli perplexity: how well a model predicts a text.
#include <fmt/format.h>

#include <cmath>
#include <memory>
#include <nlohmann/json.hpp>
#include <numbers>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/read_tokens.h"
#include "app/cli/result_json.h"
#include "app/cli/score_input.h"
#include "app/cli/streams.h"
#include "inference/text/tokenizer.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct PerplexityOptions : CommonOptions {
  ScoreInput input;
};

// Of the tokens that were counted.
struct Score {
  RunningMean loss;  // -log(probability), nats
  double bytes = 0;  // of the text
  double bits_per_byte() const {
    return loss.mean() * static_cast<double>(loss.count()) / std::numbers::ln2 / bytes;
  }
};

Json to_json(const Engine& engine, const ScoredText& text, const Score& score) {
  Json json;
  add_model_json(json, engine.layout());
  json["text_tokens"] = text.tokens.size();
  json["window"] = text.options.window;
  json["tokens"] = score.loss.count();
  json["complete"] = score.loss.count() == text.counted;
  const bool any = score.loss.count() > 0;
  const auto figure = [&](double value) { return any ? Json(value) : Json(); };
  json["perplexity"] = figure(perplexity_of(score.loss));
  json["perplexity_error"] = figure(perplexity_error_of(score.loss));
  json["nats_per_token"] = figure(score.loss.mean());
  json["bits_per_byte"] = figure(any ? score.bits_per_byte() : 0);
  return json;
}

void print_text(const Engine& engine, const ScoredText& text, const Score& score) {
  print_out("model       {}\n", model_text(engine.layout()));
  print_out("tokens      {} counted, of {} in the text; windows of {}\n", score.loss.count(),
            text.tokens.size(), text.options.window);
  if (score.loss.count() > 0) {
    print_out("perplexity  {}\n", perplexity_text(score.loss));
    print_out("            {:.4f} bits for each byte\n", score.bits_per_byte());
  }
  if (score.loss.count() < text.counted) {
    print_out("stopped before the last {} tokens were counted\n",
              text.counted - score.loss.count());
  }
}

int run(const PerplexityOptions& options) {
  const auto file = read_text_file(options.input.file);
  if (!file) return fail(file.error());
  auto opened = open_engine(options);
  if (!opened) return fail(opened.error());
  Engine& engine = **opened;
  const auto text = prepare_text(options.input, *file, engine, engine.layout().context);
  if (!text) return fail(text.error());

  Score score;
  Engine* const engines[] = {&engine};
  Status scored;
  {
    ScoreProgress progress(text->counted);
    const auto count = [&](std::int64_t index, std::span<const std::span<const float>> logits) {
      const TokenId token = text->tokens[static_cast<std::size_t>(index)];
      score.loss.add(-log_probability(logits[0], token));
      score.bytes += static_cast<double>(engine.tokenizer().decode(token).size());
      progress.show(score.loss.count(),
                    [&] { return fmt::format("perplexity {}", perplexity_text(score.loss)); });
    };
    scored =
        score_text(engines, text->tokens, text->windows, text->options, count, interrupt_flag());
  }
  if (!scored && scored.error().code != ErrorCode::cancelled) return fail(scored.error());
  if (options.json) {
    print_out("{}\n", json_text(to_json(engine, *text, score)));
  } else {
    print_text(engine, *text, score);
  }
  return scored ? kDone : kInterrupted;
}

}  // namespace

Command add_perplexity(CLI::App& parent) {
  auto options = std::make_shared<PerplexityOptions>();
  CLI::App* app = parent.add_subcommand(
      "perplexity",
      "Say how well a model predicts a text: its perplexity, with the standard error that it has "
      "if tokens are independent");
  add_score_options(*app, options->input);
  add_model_options(*app, *options);
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
