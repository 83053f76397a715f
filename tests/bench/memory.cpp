// SPDX-License-Identifier: Apache-2.0
// mneme-bench memory: what tables on a drive cost while tokens are generated. Three engines
// decode the same text, token by token, in turns: one with all rows in RAM, one with a cache of a
// given budget, one that keeps no row.
#include <fmt/format.h>

#include <algorithm>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/bench_inputs.h"
#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "inference/run/session.h"
#include "tests/bench/commands.h"
#include "tests/bench/report.h"

namespace mneme::bench {
namespace {

using namespace cli;

using Json = nlohmann::ordered_json;
using Tokens = std::vector<TokenId>;

struct Options : CommonOptions {
  std::string streams;
  std::string stream = "prose";
  std::uint64_t budget = std::uint64_t{256} << 20;
  int rounds = 9;
  std::int64_t tokens = 128;
  std::int64_t warm_tokens = 30'000;
};

constexpr std::int64_t kContext = 2048;
constexpr std::int64_t kUntimed = 16;  // tokens at the start of a turn
constexpr std::uint64_t kNothingKept = 1;

// One engine's times for the tokens of one round.
struct Turn {
  std::vector<double> step_us;
  double wait_us = 0;
  double first_wait_us = 0;  // at the first Engram layer
  double total_us() const {
    double sum = 0;
    for (const double us : step_us) sum += us;
    return sum;
  }
  double p99_us() const {
    std::vector<double> sorted = step_us;
    std::ranges::sort(sorted);
    return sorted[(sorted.size() - 1) * 99 / 100];
  }
};

class Decoder {
 public:
  static Result<Decoder> open(std::string name, CommonOptions options, std::uint64_t budget) {
    options.settings.engine.ram_budget = budget;
    auto engine = open_engine(options);
    if (!engine) return engine.error();
    if (!(*engine)->layout().memory) {
      return Error{ErrorCode::invalid, fmt::format("there is no memory to measure: {}",
                                                   (*engine)->layout().memory_absent_reason)};
    }
    SessionOptions session;
    session.context = std::min(kContext, (*engine)->layout().context);
    auto opened = (*engine)->open_session(session);
    if (!opened) return opened.error();
    return Decoder(std::move(name), std::move(*engine), std::move(*opened));
  }

  // As a prompt: rows come into the cache, nothing is timed.
  Status read(std::span<const TokenId> tokens) {
    for (std::size_t at = 0; at < tokens.size();) {
      const auto some = tokens.subspan(
          at, std::min(tokens.size() - at, static_cast<std::size_t>(session->context())));
      session->rewind(0);
      RETURN_IF_ERROR(session->sync(some, false, interrupt_flag(), [](const StepView&) {}));
      at += some.size();
    }
    return {};
  }

  // One token after another, as if each had just been picked.
  Result<Turn> decode(std::span<const TokenId> tokens) {
    using Clock = std::chrono::steady_clock;
    RETURN_IF_ERROR(read(tokens.first(kUntimed)));
    Turn turn;
    for (const TokenId token : tokens.subspan(kUntimed)) {
      const auto start = Clock::now();
      RETURN_IF_ERROR(session->step(token, interrupt_flag(), [&](const StepView& step) {
        turn.wait_us += step.wait_us;
        turn.first_wait_us += step.first_wait_us;
      }));
      turn.step_us.push_back(
          std::chrono::duration<double, std::micro>(Clock::now() - start).count());
    }
    return turn;
  }

  std::string name;
  std::unique_ptr<Engine> engine;
  std::unique_ptr<Session> session;
  std::vector<Turn> turns;  // [rounds]
  TierStats before;         // the rounds

 private:
  Decoder(std::string label, std::unique_ptr<Engine> opened, std::unique_ptr<Session> timeline)
      : name(std::move(label)), engine(std::move(opened)), session(std::move(timeline)) {}
};

// Documents one after another, as many tokens as are wanted.
Result<Tokens> take_tokens(const Options& options, std::size_t wanted) {
  const Paths paths = Paths::find();
  const std::string& asked = options.settings.engine.model_path;
  const std::string model = asked.empty() ? paths.default_model() : asked;
  const auto texts = read_bench_texts(model, options.streams, {options.stream});
  if (!texts) return texts.error();
  Tokens tokens;
  for (const Tokens& document : texts->texts.front().documents) {
    tokens.insert(tokens.end(), document.begin(), document.end());
    if (tokens.size() >= wanted) break;
  }
  if (tokens.size() < wanted) {
    return Error{ErrorCode::invalid, fmt::format("'{}' has {} tokens, {} are needed",
                                                 options.stream, tokens.size(), wanted)};
  }
  tokens.resize(wanted);
  return tokens;
}

template <typename Figure>
PairedRatio compare(const Decoder& a, const Decoder& b, Figure figure) {
  std::vector<double> of_a, of_b;
  for (const Turn& turn : a.turns) of_a.push_back(figure(turn));
  for (const Turn& turn : b.turns) of_b.push_back(figure(turn));
  return paired_ratio(of_a, of_b);
}

template <typename Figure>
double median_of(const Decoder& decoder, Figure figure) {
  std::vector<double> values;
  for (const Turn& turn : decoder.turns) values.push_back(figure(turn));
  return median(values);
}

// Of the look-ups since then, by (n-gram, layer), those whose rows the device had.
double device_share(const TierStats& before, const TierStats& after) {
  double all = 0;
  for (std::size_t tier = 0; tier < kTierCount; ++tier) {
    all += static_cast<double>(after.served[tier] - before.served[tier]);
  }
  constexpr auto kDevice = static_cast<std::size_t>(Tier::device);
  return static_cast<double>(after.served[kDevice] - before.served[kDevice]) / std::max(1.0, all);
}

void print(const Options& options, const std::vector<Decoder>& decoders, GoalReport& report) {
  const Decoder& ram = decoders[0];
  const Decoder& cached = decoders[1];
  const Decoder& uncached = decoders[2];
  const auto timed = static_cast<double>(options.tokens);
  const auto total = [](const Turn& turn) { return turn.total_us(); };
  const auto p99 = [](const Turn& turn) { return turn.p99_us(); };
  const auto first = [&](const Turn& turn) { return turn.first_wait_us / timed; };
  const auto wait = [&](const Turn& turn) { return turn.wait_us / timed; };
  report.line("{}, tables of {}, text '{}'; {} rounds of {} tokens, medians",
              ram.engine->layout().name, bytes_text(ram.engine->tiers().table_bytes),
              options.stream, options.rounds, options.tokens);
  const DeviceTierStats device = ram.engine->tiers().device;
  if (device.room > 0) {
    report.line("  {} of rows on {}", bytes_text(device.room), ram.engine->layout().backend);
  }
  report.line("  {:<20} {:>9} {:>10} {:>14} {:>14} {:>11} {:>10}", "rows from", "tok/s", "p99 us",
              "first wait us", "all waits us", "n-grams hit", "on device");
  for (const Decoder& decoder : decoders) {
    const TierStats after = decoder.engine->tiers();
    const auto lookups = static_cast<double>(after.lookups - decoder.before.lookups);
    const double hits =
        static_cast<double>(after.hits - decoder.before.hits) / std::max(1.0, lookups);
    const double speed = timed / median_of(decoder, total) * 1e6;
    const double on_device = device_share(decoder.before, after);
    report.line("  {:<20} {:9.1f} {:10.0f} {:14.1f} {:14.1f} {:9.1f} % {:8.1f} %", decoder.name,
                speed, median_of(decoder, p99), median_of(decoder, first), median_of(decoder, wait),
                100 * hits, 100 * on_device);
    report.json["decoders"].push_back({{"rows_from", decoder.name},
                                       {"tok_s", speed},
                                       {"p99_us", median_of(decoder, p99)},
                                       {"first_wait_us", median_of(decoder, first)},
                                       {"wait_us", median_of(decoder, wait)},
                                       {"hit_rate", hits},
                                       {"on_device", on_device}});
  }
  const PairedRatio slower = compare(cached, ram, total);
  const PairedRatio tail = compare(cached, ram, p99);
  const PairedRatio exposed = compare(cached, uncached, first);
  report.goal({"G5", "tables on the drive cost at most 1 % of decoding",
               fmt::format("times as long {}", interval(slower)), slower.high <= 1.01});
  report.goal({"G5", "99 of 100 tokens at most 5 % later",
               fmt::format("times as long {}", interval(tail)), tail.high <= 1.05});
  report.goal({"G6", "waits at the first Engram layer at most 10 % of an uncached reader's",
               fmt::format("{}", interval(exposed)), exposed.high <= 0.1});
  const auto json = [](const PairedRatio& ratio) {
    return Json{ratio.low, ratio.ratio, ratio.high};
  };
  report.json["time"] = json(slower);
  report.json["p99"] = json(tail);
  report.json["first_wait"] = json(exposed);
}

Status measure(const Options& options, GoalReport& report) {
  const auto per_round = static_cast<std::size_t>(options.tokens + kUntimed);
  const auto warm = static_cast<std::size_t>(options.warm_tokens);
  show_progress("reading the text");
  const auto tokens =
      take_tokens(options, warm + per_round * static_cast<std::size_t>(options.rounds));
  if (!tokens) return tokens.error();
  const auto text = std::span(*tokens);

  std::vector<Decoder> decoders;
  const std::pair<std::string, std::uint64_t> budgets[] = {
      {"RAM", 0},
      {fmt::format("drive, {} of RAM", bytes_text(options.budget)), options.budget},
      {"drive, uncached", kNothingKept}};
  for (const auto& [name, bytes] : budgets) {
    auto decoder = Decoder::open(name, options, bytes);
    if (!decoder) return decoder.error();
    decoders.push_back(std::move(*decoder));
  }
  show_progress("filling the cache");
  RETURN_IF_ERROR(decoders[1].read(text.first(warm)));
  for (Decoder& decoder : decoders) decoder.before = decoder.engine->tiers();

  std::mt19937 random(1);
  std::vector<std::size_t> order = {0, 1, 2};
  for (int round = 0; round < options.rounds; ++round) {
    show_progress(fmt::format("round {} of {}", round + 1, options.rounds));
    const auto part = text.subspan(warm + per_round * static_cast<std::size_t>(round), per_round);
    std::ranges::shuffle(order, random);
    for (const std::size_t i : order) {
      Decoder& decoder = decoders[i];
      if (i == 0) {
        RETURN_IF_ERROR(decoder.read(part));  // now all of its rows are in RAM
        decoder.before = decoder.engine->tiers();
      }
      auto turn = decoder.decode(part);
      if (!turn) return turn.error();
      decoder.turns.push_back(std::move(*turn));
    }
  }
  show_progress("");
  print(options, decoders, report);
  return {};
}

}  // namespace

Command add_memory(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  CLI::App* app = parent.add_subcommand(
      "memory", "Measure what tables on the drive cost while tokens are generated");
  add_model_options(*app, *options);
  add_name(*app, "--streams", options->streams, "FOLDER",
           "texts, made with tests/bench/make_streams.py")
      ->required();
  add_name(*app, "--stream", options->stream, "NAME", "the text to take", options->stream);
  add_size(*app, "--cache", options->budget, 1, "RAM for rows that is compared with all in RAM",
           "256M");
  add_whole(*app, "-n", options->tokens, 1, kContext - kUntimed, "tokens of a round");
  add_whole(*app, "--warm", options->warm_tokens, 0, 10'000'000,
            "tokens that fill the cache before");
  add_whole(*app, "--rounds", options->rounds, 1, 1000, "how often to repeat");
  return [options] {
    return run_report<GoalReport>(options->json,
                                  [&](GoalReport& report) { return measure(*options, report); });
  };
}

}  // namespace mneme::bench
