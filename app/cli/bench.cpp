// SPDX-License-Identifier: Apache-2.0
// mneme-cli bench: prefill and decode speed against the memory bandwidth of the same run. Rounds
// are interleaved, because machines are shared: every figure is a median over rounds.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <nlohmann/json.hpp>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "engram/bench/paired.h"
#include "inference/run/machine.h"
#include "inference/run/session.h"
#include "inference/text/tokenizer.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct BenchOptions : CommonOptions {
  std::int64_t prefill_tokens = 512;
  std::int64_t decode_tokens = 128;
  std::int64_t sequences = 1;
  int rounds = 5;
};

// Text that encodes to about `tokens` tokens; ordinary words, so that n-grams repeat as in prose.
std::string bench_text(const Tokenizer& tokenizer, std::int64_t tokens) {
  static constexpr const char* kWords[] = {
      "the",  "river", "was",  "wide",    "and", "a",   "ship",  "came",  "from", "north",
      "with", "salt",  "into", "harbour", "of",  "old", "stone", "where", "men",  "sang"};
  std::mt19937 random(1);
  std::string text = "Once";
  // A word is one token or more.
  for (std::int64_t i = 1; i < tokens; ++i) {
    text += std::string(" ") + kWords[random() % std::size(kWords)];
  }
  std::vector<TokenId> ids = tokenizer.encode(text);
  ids.resize(static_cast<std::size_t>(tokens));
  return tokenizer.decode(ids);
}

// Read bandwidth of the memory that the model's weights lie in, GB/s.
Result<double> bandwidth_gb_s(const ModelLayout& layout, const BenchOptions& options, int threads) {
  if (layout.device == "cpu") return read_bandwidth_gb_s(threads);
  const std::string& wanted = options.settings.engine.device;
  return device_bandwidth_gb_s(wanted == "auto" ? layout.device : wanted);
}

constexpr std::int64_t kPromptTokens = 16;  // before what is decoded

// Tokens a second, of all together, of sequences that decode side by side, one token of each a
// step.
Result<double> decode_together(Engine& engine, const BenchOptions& options) {
  SessionOptions session_options;
  session_options.context = kPromptTokens + options.decode_tokens;
  session_options.mode = options.settings.engine.exact ? NumericMode::exact : NumericMode::fast;
  session_options.outputs_max = options.sequences;
  session_options.chunk_tokens = std::max(session_options.chunk_tokens, options.sequences);
  session_options.sequences = static_cast<std::size_t>(options.sequences);
  auto opened = engine.open_session(session_options);
  if (!opened) return opened.error();
  Session& session = **opened;
  const auto ignore = [](const StepView&) {};
  const std::vector<TokenId> tokens =
      engine.tokenizer().encode(bench_text(engine.tokenizer(), session_options.context));
  for (std::size_t s = 0; s < session_options.sequences; ++s) {
    const auto prompt = std::span(tokens).first(kPromptTokens);
    RETURN_IF_ERROR(session.sync(prompt, false, interrupt_flag(), ignore, s));
  }
  std::vector<NextTokens> next(session_options.sequences);
  const auto begin = std::chrono::steady_clock::now();
  for (std::int64_t step = 0; step < options.decode_tokens; ++step) {
    for (std::size_t s = 0; s < next.size(); ++s) {
      const auto at = static_cast<std::size_t>(step) + 5 * s;  // each its own n-grams
      next[s] = {s, std::span(tokens).subspan(at % tokens.size(), 1), 1};
    }
    RETURN_IF_ERROR(session.step(next, interrupt_flag(), ignore));
  }
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  return static_cast<double>(options.sequences * options.decode_tokens) / took.count();
}

int run(const BenchOptions& options) {
  auto opened = open_engine(options);
  if (!opened) return fail(opened.error());
  Engine& engine = **opened;
  const ModelLayout& layout = engine.layout();
  const int wanted = options.settings.engine.threads;
  const int threads = wanted > 0 ? wanted : default_threads();

  GenerateRequest request;
  request.sampling.temperature = 0;
  request.sampling.repetition_penalty = 1;
  request.ignore_end = true;
  request.cancel = interrupt_flag();
  std::vector<double> read_gb_s, prefill, decode, decode_gb_s, share, trace_cost, stall_share,
      together;
  for (int round = 0; round < options.rounds && !was_interrupted(); ++round) {
    const auto bandwidth = bandwidth_gb_s(layout, options, threads);
    if (!bandwidth) return fail(bandwidth.error());
    read_gb_s.push_back(*bandwidth);
    engine.forget();
    request.raw_prompt = bench_text(engine.tokenizer(), options.prefill_tokens);
    request.max_tokens = 1;
    request.trace = std::make_shared<TraceLog>();
    auto first = engine.generate(request);
    if (!first) return fail(first.error());
    prefill.push_back(first->prefill_tok_s);

    engine.forget();
    request.raw_prompt = bench_text(engine.tokenizer(), kPromptTokens);
    request.max_tokens = options.decode_tokens;
    request.trace = std::make_shared<TraceLog>();
    auto result = engine.generate(request);
    if (!result) return fail(result.error());
    // Bytes that a token must read: every weight once, and the keys and values before it.
    const double positions = kPromptTokens + static_cast<double>(options.decode_tokens) / 2;
    const double bytes = static_cast<double>(layout.weight_bytes_per_token) +
                         positions * static_cast<double>(layout.kv_bytes_per_position);
    decode.push_back(result->decode_tok_s);
    decode_gb_s.push_back(result->decode_tok_s * bytes / 1e9);
    share.push_back(decode_gb_s.back() / read_gb_s.back());
    trace_cost.push_back(static_cast<double>(result->trace_us) /
                         static_cast<double>(result->decode_us));
    stall_share.push_back(static_cast<double>(result->stall_us) /
                          static_cast<double>(result->decode_us));
    if (options.sequences > 1) {
      const auto rate = decode_together(engine, options);
      if (!rate) return fail(rate.error());
      together.push_back(*rate);
    }
    if (!options.json) {
      print_out(
          "round {}: read {:.1f} GB/s, prefill {:.0f} tok/s, decode {:.1f} tok/s ({:.0f} % of the "
          "read bandwidth), tracing {:.2f} %\n",
          round + 1, read_gb_s.back(), prefill.back(), decode.back(), 100 * share.back(),
          100 * trace_cost.back());
      if (!together.empty()) {
        print_out("         {} sequences side by side: decode {:.1f} tok/s in all\n",
                  options.sequences, together.back());
      }
      flush_out();
    }
  }
  if (was_interrupted()) return kInterrupted;

  Json json;
  json["model"] = layout.name;
  json["weights"] = layout.quantization;
  json["bytes"] = layout.file_bytes;
  json["memory"] = layout.memory ? Json(layout.memory->name) : Json();
  json["device"] = layout.device;
  json["backend"] = layout.backend;
  json["layers"] = layout.layers;
  json["device_layers"] = layout.device_layers;
  json["numeric_mode"] = layout.numeric_mode;
  json["threads"] = threads;
  json["rounds"] = options.rounds;
  json["prefill_tokens"] = options.prefill_tokens;
  json["decode_tokens"] = options.decode_tokens;
  json["read_gb_s"] = median(read_gb_s);
  json["prefill_tok_s"] = median(prefill);
  json["decode_tok_s"] = median(decode);
  json["decode_gb_s"] = median(decode_gb_s);
  json["bandwidth_share"] = median(share);
  json["trace_cost"] = median(trace_cost);
  json["stall_share"] = median(stall_share);
  if (!together.empty()) {
    json["sequences"] = options.sequences;
    json["sequences_tok_s"] = median(together);
  }
  if (options.json) {
    print_out("{}\n", json_text(json));
  } else {
    print_out(
        "median: read {:.1f} GB/s, prefill {:.0f} tok/s, decode {:.1f} tok/s = {:.1f} GB/s, "
        "{:.0f} % of the read bandwidth; tracing costs {:.2f} % of decoding\n",
        median(read_gb_s), median(prefill), median(decode), median(decode_gb_s),
        100 * median(share), 100 * median(trace_cost));
    if (!together.empty()) {
      print_out("        {} sequences side by side: decode {:.1f} tok/s in all\n",
                options.sequences, median(together));
    }
  }
  return kDone;
}

}  // namespace

Command add_bench(CLI::App& parent) {
  auto options = std::make_shared<BenchOptions>();
  CLI::App* app =
      parent.add_subcommand("bench", "Measure prefill and decode speed on this machine");
  add_model_options(*app, *options);
  add_whole(*app, "--prefill", options->prefill_tokens, 1, 100'000, "tokens to read");
  add_whole(*app, "-n", options->decode_tokens, 1, 100'000, "tokens to generate");
  add_whole(*app, "--sequences", options->sequences, 1, 64,
            "also decode so many sequences side by side");
  add_whole(*app, "--rounds", options->rounds, 1, 1000, "how often to repeat");
  const Command tables = add_bench_tables(*app);
  return [=] { return app->got_subcommand("tables") ? tables() : run(*options); };
}

}  // namespace mneme::cli
