// SPDX-License-Identifier: Apache-2.0
// mneme-cli compare: how far two models, or two ways to run one, are apart on a text.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <filesystem>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/option_text.h"
#include "app/cli/options.h"
#include "app/cli/read_tokens.h"
#include "app/cli/result_json.h"
#include "app/cli/score_input.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "inference/text/tokenizer.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CompareOptions : CommonOptions {
  ScoreInput input;
  CommonOptions a, b;
  int worst = 10;  // positions
};

// A place of the text where the two are far apart.
struct Place {
  std::int64_t index = 0;  // of the token that follows
  LogitDifference difference;
};

struct Comparison {
  RunningMean kl;
  RunningMean same_best;  // 1 where both have the same most probable token
  RunningMean loss_a, loss_b;
  RunningMean loss_apart;  // of b above a, token by token
  double largest_kl = 0;
  double largest_logit = 0;
  double largest_difference = 0;
  double least_cosine = 1;
  std::vector<Place> worst;  // the largest KL first

  void add(std::int64_t index, const LogitDifference& d, std::size_t places) {
    kl.add(d.kl);
    same_best.add(d.best_a == d.best_b ? 1 : 0);
    loss_a.add(-d.log_prob_a);
    loss_b.add(-d.log_prob_b);
    loss_apart.add(d.log_prob_a - d.log_prob_b);
    largest_kl = std::max(largest_kl, d.kl);
    largest_logit = std::max(largest_logit, d.largest);
    largest_difference = std::max(largest_difference, d.largest_difference);
    least_cosine = std::min(least_cosine, d.cosine);
    const auto before = [](double larger, const Place& place) {
      return larger > place.difference.kl;
    };
    const auto at = std::upper_bound(worst.begin(), worst.end(), d.kl, before);
    if (d.kl == 0 || at - worst.begin() >= static_cast<std::ptrdiff_t>(places)) return;
    worst.insert(at, {index, d});
    if (worst.size() > places) worst.pop_back();
  }
  // Perplexity of b over that of a, and its standard error: what both find hard cancels.
  double ratio() const { return perplexity_of(loss_apart); }
  double ratio_error() const { return perplexity_error_of(loss_apart); }
};

// The text before a token, for a person to find the place by.
std::string text_before(const Tokenizer& tokenizer, const ScoredText& text, std::int64_t index) {
  constexpr std::int64_t kTokens = 10;
  const std::int64_t first = std::max<std::int64_t>(0, index - kTokens);
  return tokenizer.decode(
      std::span(text.tokens)
          .subspan(static_cast<std::size_t>(first), static_cast<std::size_t>(index - first)));
}

Json to_json(const Engine& a, const Engine& b, const ScoredText& text, const Comparison& result) {
  const bool any = result.kl.count() > 0;
  const auto figure = [&](double value) { return any ? Json(value) : Json(); };
  const auto side = [&](const Engine& engine, const RunningMean& loss) {
    Json json;
    add_model_json(json, engine.layout());
    json["perplexity"] = figure(perplexity_of(loss));
    json["perplexity_error"] = figure(perplexity_error_of(loss));
    return json;
  };
  Json json;
  json["a"] = side(a, result.loss_a);
  json["b"] = side(b, result.loss_b);
  json["text_tokens"] = text.tokens.size();
  json["window"] = text.options.window;
  json["tokens"] = result.kl.count();
  json["complete"] = result.kl.count() == text.counted;
  json["perplexity_ratio"] = figure(result.ratio());
  json["perplexity_ratio_error"] = figure(result.ratio_error());
  json["mean_kl"] = figure(result.kl.mean());
  json["mean_kl_error"] = figure(result.kl.standard_error());
  json["largest_kl"] = figure(result.largest_kl);
  json["top1_agreement"] = figure(result.same_best.mean());
  json["top1_agreement_error"] = figure(result.same_best.standard_error());
  json["largest_logit_difference"] = figure(result.largest_difference);
  json["largest_logit"] = figure(result.largest_logit);
  json["least_cosine"] = figure(result.least_cosine);
  Json worst = Json::array();
  const Tokenizer& tokenizer = a.tokenizer();
  for (const Place& place : result.worst) {
    const TokenId next = text.tokens[static_cast<std::size_t>(place.index)];
    const LogitDifference& d = place.difference;
    worst.push_back({{"position", place.index},
                     {"kl", d.kl},
                     {"before", text_before(tokenizer, text, place.index)},
                     {"next", tokenizer.decode(next)},
                     {"best_a", tokenizer.decode(d.best_a)},
                     {"best_b", tokenizer.decode(d.best_b)},
                     {"next_probability_a", std::exp(d.log_prob_a)},
                     {"next_probability_b", std::exp(d.log_prob_b)}});
  }
  json["worst"] = std::move(worst);
  return json;
}

void print_text(const Engine& a, const Engine& b, const ScoredText& text,
                const Comparison& result) {
  print_out("a           {}\n", model_text(a.layout()));
  print_out("b           {}\n", model_text(b.layout()));
  print_out("tokens      {} counted, of {} in the text; windows of {}\n", result.kl.count(),
            text.tokens.size(), text.options.window);
  if (result.kl.count() > 0) {
    print_out("perplexity  a {}, b {}, b/a {:.5f} +/- {:.5f}\n", perplexity_text(result.loss_a),
              perplexity_text(result.loss_b), result.ratio(), result.ratio_error());
    print_out("KL(a||b)    mean {:.3g} +/- {:.2g}, largest {:.3g} nats\n", result.kl.mean(),
              result.kl.standard_error(), result.largest_kl);
    print_out("best token  the same at {:.3f} % +/- {:.3f} % of the tokens\n",
              100 * result.same_best.mean(), 100 * result.same_best.standard_error());
    print_out(
        "logits      differ by at most {:.3g}, where the largest is {:.3g}; least cosine {:.6f}\n",
        result.largest_difference, result.largest_logit, result.least_cosine);
  }
  if (result.kl.count() < text.counted) {
    print_out("stopped before the last {} tokens were counted\n", text.counted - result.kl.count());
  }
  if (result.worst.empty()) return;
  const Tokenizer& tokenizer = a.tokenizer();
  const auto quoted = [&](TokenId token) { return json_text(Json(tokenizer.decode(token))); };
  print_out("\n{:>8}  {:>8}  {:16}  {:16}  {:16}  text before\n", "position", "KL", "best of a",
            "best of b", "next");
  for (const Place& place : result.worst) {
    const TokenId next = text.tokens[static_cast<std::size_t>(place.index)];
    print_out("{:>8}  {:>8.3g}  {:16}  {:16}  {:16}  {}\n", place.index, place.difference.kl,
              quoted(place.difference.best_a), quoted(place.difference.best_b), quoted(next),
              json_text(Json(text_before(tokenizer, text, place.index))));
  }
}

// What opening takes of RAM in any case: weights that a device has are not needed here again, and
// the CPU makes its copies only where there is room.
std::uint64_t ram_needed(const MemoryEstimate& needs) {
  if (!needs.device.empty() && needs.device_layers == needs.layers()) return needs.row_cache_bytes;
  return needs.needed() - needs.repacked_bytes;
}

// Both are open at once, so that no logits need a file. Errors: out_of_memory; those of
// estimate_memory.
Status check_room(const CompareOptions& options) {
  std::uint64_t bytes = 0;
  std::uint64_t free_bytes = 0;
  std::string first_path;
  for (const CommonOptions* const side : {&options.a, &options.b}) {
    const auto engine = engine_options(*side);
    if (!engine) return engine.error();
    const auto needs = estimate_memory(*engine);
    if (!needs) return needs.error();
    std::uint64_t own = ram_needed(*needs);
    std::error_code error;
    const bool shared =
        !first_path.empty() && std::filesystem::equivalent(first_path, engine->model_path, error);
    if (shared) own -= std::min(own, needs->weights_bytes);  // mapped once
    bytes += own;
    free_bytes = needs->free_bytes;
    first_path = engine->model_path;
  }
  if (bytes <= free_bytes) return {};
  return Error{ErrorCode::out_of_memory,
               fmt::format("the two need {} of RAM beside each other, and {} are free: smaller "
                           "models, or a smaller context (--ctx) in both, would do",
                           bytes_text(bytes), bytes_text(free_bytes))};
}

// Logits can be compared only where they speak of the same tokens.
Status check_same_tokens(const Engine& a, const Engine& b) {
  const bool same = a.tokenizer().sha256() == b.tokenizer().sha256() &&
                    a.layout().vocabulary == b.layout().vocabulary;
  if (same) return {};
  return Error{ErrorCode::invalid,
               fmt::format("{} and {} have different tokenizers, so their logits cannot be "
                           "compared: `mneme-cli perplexity` gives the bits for each byte of both",
                           a.layout().path, b.layout().path)};
}

int run(const CompareOptions& options) {
  const auto file = read_text_file(options.input.file);
  if (!file) return fail(file.error());
  if (const auto room = check_room(options); !room) return fail(room.error());
  std::vector<std::unique_ptr<Engine>> opened;
  for (CommonOptions side : {options.a, options.b}) {
    side.verbose = options.verbose;
    auto engine = open_engine(side);
    if (!engine) return fail(engine.error());
    opened.push_back(std::move(*engine));
  }
  Engine& a = *opened[0];
  Engine& b = *opened[1];
  if (const auto same = check_same_tokens(a, b); !same) return fail(same.error());
  const std::int64_t window = std::min(a.layout().context, b.layout().context);
  const auto text = prepare_text(options.input, *file, a, window);
  if (!text) return fail(text.error());

  Comparison result;
  Engine* const engines[] = {&a, &b};
  Status scored;
  {
    ScoreProgress progress(text->counted);
    const auto count = [&](std::int64_t index, std::span<const std::span<const float>> logits) {
      const TokenId token = text->tokens[static_cast<std::size_t>(index)];
      result.add(index, compare_logits(logits[0], logits[1], token),
                 static_cast<std::size_t>(options.worst));
      progress.show(result.kl.count(), [&] {
        return fmt::format("mean KL {:.3g} +/- {:.2g}, same best token {:.2f} %", result.kl.mean(),
                           result.kl.standard_error(), 100 * result.same_best.mean());
      });
    };
    scored =
        score_text(engines, text->tokens, text->windows, text->options, count, interrupt_flag());
  }
  if (!scored && scored.error().code != ErrorCode::cancelled) return fail(scored.error());
  if (options.json) {
    print_out("{}\n", json_text(to_json(a, b, *text, result)));
  } else {
    print_text(a, b, *text, result);
  }
  return scored ? kDone : kInterrupted;
}

// "-m, --device, ..."
std::string flags_of(const CLI::App& app) {
  std::vector<std::string> flags;
  for (const CLI::Option* option : app.get_options()) {
    const auto& shorts = option->get_snames();
    flags.push_back(shorts.empty() ? "--" + option->get_lnames().front() : "-" + shorts.front());
  }
  return fmt::format("{}", fmt::join(flags, ", "));
}

// The options of one side, and the option that holds them.
void add_side(CLI::App& app, const std::string& name, CommonOptions& side) {
  auto parser = std::make_shared<CLI::App>();
  parser->set_help_flag();
  add_engine_options(*parser, side);
  const std::string help =
      name == "--a"
          ? "one model and how it runs: options as `perplexity` has them, \"\" for none; a blank "
            "inside a value stands between quotes, as in \"-m 'my model.gguf'\" (" +
                flags_of(*parser) + ")"
          : "the other one, just so. Both are open at once, and the windows are as long as the "
            "smaller context of the two";
  add_value(app, name, "OPTIONS", help, "", "", [parser](const std::string& text) {
    return parse_options(*parser, text);
  })->required();
}

}  // namespace

Command add_compare(CLI::App& parent) {
  auto options = std::make_shared<CompareOptions>();
  CLI::App* app = parent.add_subcommand(
      "compare",
      "Say how far two models of one tokenizer, or two ways to run a model, are apart on a text: "
      "mean KL divergence, how often the most probable token is the same, perplexities");
  add_score_options(*app, options->input);
  add_side(*app, "--a", options->a);
  add_side(*app, "--b", options->b);
  add_whole(*app, "--worst", options->worst, 0, 1000, "how many of the worst positions to print");
  add_output_options(*app, *options);
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
