// SPDX-License-Identifier: Apache-2.0
// mneme-bench replay: the row cache beside other ways of spending the same RAM, on given texts, and
// which of the goals that meets.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/bench_inputs.h"
#include "app/cli/interrupt.h"
#include "app/paths.h"
#include "tests/bench/commands.h"
#include "tests/bench/replay.h"
#include "tests/bench/report.h"
#include "tests/bench/text_options.h"

namespace mneme::bench {
namespace {

using namespace cli;

constexpr std::uint64_t kMiB = 1 << 20;
const std::vector<std::uint64_t> kBudgets = {64 * kMiB, 256 * kMiB, 1024 * kMiB, 4096 * kMiB};
constexpr std::uint64_t kGoalBudget = 1024 * kMiB;
constexpr std::uint64_t kRestartTokens = 100'000;

const ReplayResult& find(const std::vector<ReplayResult>& results, std::uint64_t budget,
                         std::string_view policy) {
  return *std::ranges::find_if(results, [&](const ReplayResult& result) {
    return result.budget_bytes == budget && result.policy == policy;
  });
}

// What all streams say together about goals G1, G2 and G9.
struct ReplayGoals {
  double gain_worst = 1e9;      // share of the predicted gain, over streams and the two rivals
  double log_gain_worst = 1e9;  // the same with record logs without end
  std::string log;
  double hits_worst = 1e9;    // our hit rate over the simulator's, at 256 MiB and 1 GiB
  double lru_worst = 1e9;     // points over LRU, everywhere
  double curve_worst = 0;     // points between the predicted curve and the simulation
  double measured_worst = 0;  // and the rate of the product's cache
  double curve_ns = 0;
  double restart_worst = 1e9;  // points over cold, at 1 GiB
  std::string restart;
  std::string mix;
};

void judge(const std::vector<ReplayResult>& results, const CurveCheck& curve, ReplayGoals& goals) {
  for (std::size_t i = 0; i < kBudgets.size(); ++i) {
    const ReplayResult& ours = find(results, kBudgets[i], "mneme");
    const ReplayResult& simulated = find(results, kBudgets[i], "mneme, simulated");
    const ReplayResult& published = find(results, kBudgets[i], "S3-FIFO");
    const ReplayResult& lru = find(results, kBudgets[i], "LRU rows");
    goals.lru_worst = std::min(goals.lru_worst, 100 * (ours.hit_rate - lru.hit_rate));
    goals.curve_worst =
        std::max(goals.curve_worst, 100 * std::abs(curve.predicted[i] - simulated.hit_rate));
    goals.measured_worst =
        std::max(goals.measured_worst, 100 * std::abs(curve.predicted[i] - ours.hit_rate));
    if (kBudgets[i] == 256 * kMiB || kBudgets[i] == kGoalBudget) {
      goals.hits_worst = std::min(goals.hits_worst, ours.hit_rate / published.hit_rate);
    }
    if (kBudgets[i] != kGoalBudget) continue;
    // Of the gain over any rival: its own reads cancel out.
    goals.gain_worst = std::min(goals.gain_worst, published.reads_per_token / ours.reads_per_token);
    const ReplayResult& logged = find(results, kBudgets[i], kReplayEndlessLog);
    goals.log_gain_worst =
        std::min(goals.log_gain_worst, find(results, kBudgets[i], kSimulatedLog).reads_per_token /
                                           logged.reads_per_token);
    const ReplayResult& map = find(results, kBudgets[i], "memory map");
    const auto add = [&](std::string& text, const ReplayResult& result) {
      text += fmt::format("{}{} {:.2f}x fewer than a memory map, {:.2f}x than LRU rows",
                          text.empty() ? "" : ", ", result.stream,
                          map.reads_per_token / result.reads_per_token,
                          lru.reads_per_token / result.reads_per_token);
    };
    add(goals.mix, ours);
    add(goals.log, logged);
  }
  goals.curve_ns = std::max(goals.curve_ns, curve.ns_per_ngram);
}

void print_replay(GoalReport& report, const std::vector<ReplayResult>& results,
                  const CurveCheck& curve) {
  constexpr std::array<const char*, 8> kPolicies = {
      "memory map",       "LRU rows", "S3-FIFO",         kSimulatedLog,
      "mneme, simulated", "mneme",    kReplayEndlessLog, kReplayLog};
  for (const char* policy : kPolicies) {
    std::string text = fmt::format("  {:<18}", policy);
    for (const std::uint64_t budget : kBudgets) {
      const ReplayResult& result = find(results, budget, policy);
      text += fmt::format("  {:6.2f} % {:6.2f}", 100 * result.hit_rate, result.reads_per_token);
    }
    report.line("{}", text);
  }
  std::string text = fmt::format("  {:<18}", "predicted");
  for (const double rate : curve.predicted) text += fmt::format("  {:6.2f} %{:7}", 100 * rate, "");
  report.line("{}", text);
  text = fmt::format("  {:<18}", "written to the log");
  for (const std::uint64_t budget : kBudgets) {
    const double bytes = find(results, budget, kReplayLog).bytes_written_per_token;
    text += fmt::format("  {:8.0f} B a token", bytes);
  }
  report.line("{}", text);
}

Status run_replay(const TextOptions& options, GoalReport& report) {
  const std::string model = options.model.empty() ? Paths::find().default_model() : options.model;
  show_progress("reading the texts");
  auto texts = read_bench_texts(model, options.streams, options.only);
  if (!texts) return texts.error();
  auto hasher = make_v41_hasher(texts->token_map, texts->pad_class, kV41BucketRows);
  if (!hasher) return hasher.error();
  ReplayGoals goals;
  for (const BenchText& text : texts->texts) {
    RETURN_IF_ERROR(check_interrupt());
    const KeyStream stream = make_key_stream(text.name, *hasher, text.documents);
    const auto results = replay(stream, *hasher, kV41RowBytes, kBudgets, show_progress);
    const CurveCheck curve = check_curve(stream, *hasher, kV41RowBytes, kBudgets);
    show_progress("");
    std::string head = fmt::format("{:<20}", stream.name);
    for (const std::uint64_t budget : kBudgets) head += fmt::format("{:>12} MiB  ", budget / kMiB);
    report.line("\n{}", head);
    report.line("  {} tokens, {} different n-grams; second half: hit rate, disk reads a token",
                stream.tokens, stream.keys.size());
    print_replay(report, results, curve);
    judge(results, curve, goals);
    const RestartCheck restart =
        check_restart(stream, *hasher, kV41RowBytes, kGoalBudget, kRestartTokens);
    const double gained = 100 * (restart.warm - restart.cold);
    goals.restart_worst = std::min(goals.restart_worst, gained);
    goals.restart += fmt::format("{}{} {:.1f} -> {:.1f} %", goals.restart.empty() ? "" : ", ",
                                 stream.name, 100 * restart.cold, 100 * restart.warm);
    report.line(
        "  after a restart with a hot set of 1 GiB: {:.2f} % over {} tokens, without {:.2f} %",
        100 * restart.warm, kRestartTokens, 100 * restart.cold);
    report.json["restart"].push_back(
        {{"stream", stream.name}, {"cold", restart.cold}, {"warm", restart.warm}});
    for (const ReplayResult& result : results) {
      report.json["replay"].push_back({{"stream", result.stream},
                                       {"tokens", stream.tokens},
                                       {"budget", result.budget_bytes},
                                       {"policy", result.policy},
                                       {"hit_rate", result.hit_rate},
                                       {"reads_per_token", result.reads_per_token},
                                       {"written_per_token", result.bytes_written_per_token}});
    }
    for (std::size_t i = 0; i < kBudgets.size(); ++i) {
      report.json["predicted"].push_back({{"stream", stream.name},
                                          {"budget", kBudgets[i]},
                                          {"hit_rate", curve.predicted[i]},
                                          {"ns_per_ngram", curve.ns_per_ngram}});
    }
  }
  report.goal({"G1",
               "at 1 GiB at least 97 % of the simulated gain in disk reads (without a record log)",
               fmt::format("worst {:.1f} %; {}", 100 * goals.gain_worst, goals.mix),
               goals.gain_worst >= 0.97});
  report.goal({"G1", "the same with a record log that is never full",
               fmt::format("worst {:.1f} %; {}", 100 * goals.log_gain_worst, goals.log),
               goals.log_gain_worst >= 0.97});
  report.goal({"G2", "hit rate at 256 MiB and 1 GiB within 3 % of the simulated S3-FIFO's",
               fmt::format("worst {:.1f} % of it", 100 * goals.hits_worst),
               goals.hits_worst >= 0.97});
  report.goal({"G2", "never more than 0.5 points below LRU",
               fmt::format("worst {:+.2f} points", goals.lru_worst), goals.lru_worst >= -0.5});
  report.goal({"G8", "hit rate over 100,000 tokens after a restart at least 8 points over cold",
               fmt::format("worst {:+.1f} points ({})", goals.restart_worst, goals.restart),
               goals.restart_worst >= 8});
  report.goal({"G9", "predicted curve within 1.5 points of the simulation, 2 of the measured rate",
               fmt::format("worst {:.2f} and {:.2f} points; {:.0f} ns an n-gram", goals.curve_worst,
                           goals.measured_worst, goals.curve_ns),
               goals.curve_worst <= 1.5 && goals.measured_worst <= 2});
  return {};
}

}  // namespace

Command add_replay(CLI::App& parent) {
  auto options = std::make_shared<TextOptions>();
  CLI::App* app = parent.add_subcommand("replay", "Compare caches of the same RAM on texts");
  add_text_options(*app, *options);
  return [options] {
    return run_report<GoalReport>(options->json,
                                  [&](GoalReport& report) { return run_replay(*options, report); });
  };
}

}  // namespace mneme::bench
