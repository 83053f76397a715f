// SPDX-License-Identifier: Apache-2.0
// mneme-cli bench tables: what table rows cost on this machine. How many of them a RAM budget keeps
// (for given texts), what a row in RAM costs, and how fast the drive brings the others.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/cli/bench_inputs.h"
#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/report.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "engram/bench/cache_replay.h"
#include "engram/bench/cold_rows.h"
#include "engram/bench/hit_path.h"
#include "engram/bench/key_stream.h"

namespace mneme::cli {
namespace {

constexpr std::uint64_t kMiB = 1 << 20;
constexpr std::array<std::uint64_t, 4> kBudgets = {64 * kMiB, 256 * kMiB, 1024 * kMiB, 4096 * kMiB};
constexpr std::array<std::string_view, 3> kParts = {"replay", "hits", "cold"};

struct Options {
  std::string model;
  std::string streams;
  std::vector<std::string> only;
  std::vector<std::string> parts;
  std::string tables;
  std::string folder;
  std::uint64_t size = std::uint64_t{8} << 30;        // bytes
  std::uint64_t hit_budget = std::uint64_t{1} << 30;  // bytes
  ColdRowsOptions cold;
  bool json = false;

  bool wants(std::string_view part) const {
    return parts.empty() || std::ranges::find(parts, part) != parts.end();
  }
};

// What RAM budgets keep of the n-grams of texts.
Status run_replay(const Options& options, const std::string& model, Report& report) {
  if (options.streams.empty()) {
    report.line("hit rates are not measured: --streams names a folder of texts to measure with");
    return {};
  }
  show_progress("reading the texts");
  auto texts = read_bench_texts(model, options.streams, options.only);
  if (!texts) return texts.error();
  auto hasher = make_v41_hasher(texts->token_map, texts->pad_class, kV41BucketRows);
  if (!hasher) return hasher.error();
  report.line("n-grams found in RAM, second half of each text, tables of DeepSeek-V4.1's shape");
  for (const BenchText& text : texts->texts) {
    const KeyStream stream = make_key_stream(text.name, *hasher, text.documents);
    report.line("  {}: {} tokens, {} different n-grams", stream.name, stream.tokens,
                stream.keys.size());
    for (const std::uint64_t budget : kBudgets) {
      RETURN_IF_ERROR(check_interrupt());
      show_progress(fmt::format("{}: {} MiB of RAM", stream.name, budget / kMiB));
      const CacheReplayResult result = replay_cache(stream, *hasher, kV41RowBytes, budget);
      show_progress("");
      report.line("    {:>5} MiB of RAM: {:6.2f} %, {:5.2f} reads a token from the drive",
                  budget / kMiB, 100 * result.hit_rate, result.reads_per_token);
      report.json["replay"].push_back({{"stream", stream.name},
                                       {"tokens", stream.tokens},
                                       {"budget", budget},
                                       {"policy", "mneme"},
                                       {"hit_rate", result.hit_rate},
                                       {"reads_per_token", result.reads_per_token}});
    }
  }
  return {};
}

Status run_hit_path(const Options& options, const std::string& folder, Report& report) {
  show_progress("rows in RAM");
  const auto result = bench_hit_path(folder, options.hit_budget);
  show_progress("");
  if (!result) return result.error();
  report.line("\nrows in RAM: {} n-grams, {} rows a token", result->entries,
              result->rows_per_token);
  report.line("  from the row cache        {:6.0f} ns a row", result->row_ns);
  report.line("  from the system's cache   {:6.0f} ns a row, {:.1f} times as long",
              result->pread_ns, result->pread_ratio);
  report.line("  hot set of {} MiB: saved in {:.2f} s, in RAM again after {:.2f} s",
              result->hot_set_bytes / kMiB, result->save_seconds, result->restore_seconds);
  report.json["hot_set"] = {{"bytes", result->hot_set_bytes},
                            {"save_s", result->save_seconds},
                            {"restore_s", result->restore_seconds}};
  report.json["hit_path"] = {{"entries", result->entries},
                             {"row_ns", result->row_ns},
                             {"pread_ns", result->pread_ns},
                             {"pread_ratio", result->pread_ratio}};
  return {};
}

void print_cold(const ColdRows& result, Report& report) {
  report.line("\nrows from the drive: tables of {} MiB, {} rows a token, read with {}",
              result.table_bytes / kMiB, result.rows_per_token, result.reader);
  report.line("  {} rounds counted; {} dropped, since the drive's own speed moved by over 30 %",
              result.rounds_kept, result.rounds_dropped);
  if (result.cpu_pressure > 0.25) {
    report.line(
        "  other programs used the processors: something waited for one {:.0f} % of the "
        "time, so times are long",
        100 * result.cpu_pressure);
  }
  if (result.resident_share > 0.01) {
    report.line("  {:.1f} % of the file could not be dropped from the page cache",
                100 * result.resident_share);
  }
  if (result.rounds_kept == 0) {
    report.line("  no round was steady enough to be counted: the drive is shared, or too busy");
    return;
  }
  report.line(
      "  a token of an answer   {:6.0f} us, 99 of 100 within {:.0f} us; {:.0f} us of "
      "processor time",
      result.token_us, result.token_us_p99, result.token_cpu_us);
  report.line("  a prompt               {:6.0f} rows a second", result.chunk_rows_s);
  report.line("  the drive by itself    {:6.0f} reads of 4 KiB a second; a prompt reaches {} of it",
              result.drive_reads_s, interval(result.drive_share));
  report.json["cold"].push_back({{"reader", result.reader},
                                 {"token_us", result.token_us},
                                 {"token_us_p99", result.token_us_p99},
                                 {"token_cpu_us", result.token_cpu_us},
                                 {"chunk_rows_s", result.chunk_rows_s},
                                 {"chunk_cpu_us_per_row", result.chunk_cpu_us}});
  report.json["drive"] = {
      {"reads_s", result.drive_reads_s},
      {"our_share", {result.drive_share.low, result.drive_share.ratio, result.drive_share.high}},
      {"rounds", result.rounds_kept},
      {"rounds_dropped", result.rounds_dropped},
      {"cpu_pressure", result.cpu_pressure},
      {"resident_share", result.resident_share}};
}

Status run_cold(const Options& options, const std::string& folder, Report& report) {
  const auto tables = bench_tables(options.tables, folder, options.size);
  if (!tables) return tables.error();
  const auto result = bench_cold_rows(*tables->hasher, tables->tables, options.cold, show_progress,
                                      interrupt_flag());
  show_progress("");
  if (!result) return result.error();
  print_cold(*result, report);
  return {};
}

Status run(const Options& options, Report& report) {
  const Paths paths = Paths::find();
  const std::string folder = options.folder.empty() ? paths.models : options.folder;
  const std::string model = options.model.empty() ? paths.default_model() : options.model;
  Status status;
  if (options.wants("replay")) status = run_replay(options, model, report);
  if (status) status = check_interrupt();
  if (status && options.wants("hits")) status = run_hit_path(options, folder, report);
  if (status) status = check_interrupt();
  if (status && options.wants("cold")) status = run_cold(options, folder, report);
  return status;
}

}  // namespace

Command add_bench_tables(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  CLI::App* app = parent.add_subcommand(
      "tables", "Measure what table rows cost: from RAM, from the drive, with a RAM budget");
  add_name(*app, "-m,--model", options->model, "FILE", "GGUF whose tokenizer reads the texts",
           "the default model");
  add_name(*app, "--streams", options->streams, "FOLDER",
           "texts (*.txt) whose n-grams are looked up, to measure what a RAM budget keeps");
  add_value(*app, "--part", "WORD", "what is measured; may be given again", "replay, hits or cold",
            "all",
            [options](const std::string& text) -> Status {
              options->parts.push_back(text);
              const bool known = std::ranges::find(kParts, text) != kParts.end();
              return known ? Status()
                           : Error{ErrorCode::invalid,
                                   fmt::format("'{}' is not {}", text, fmt::join(kParts, ", "))};
            })
      ->expected(1, CLI::detail::expected_max_vector_size);
  add_names(*app, "--stream", options->only, "NAME", "only this text; may be given again");
  add_name(*app, "--tables", options->tables, "FILE", "pack or model file whose rows are read",
           "a test table, deleted afterwards");
  add_size(*app, "--size", options->size, 1, "of the test table; more than RAM is truest", "8G");
  add_whole(*app, "--rounds", options->cold.rounds, 1, 1000,
            "how often rows are read from the drive");
  add_name(*app, "--folder", options->folder, "FOLDER", "where test tables are written for a while",
           "where models lie");
  add_size(*app, "--hit-budget", options->hit_budget, 1, "RAM to fill for rows in RAM", "1G");
  app->add_flag("--json", options->json, "machine-readable output");
  return [options] {
    return run_report(options->json, [&](Report& report) { return run(*options, report); });
  };
}

}  // namespace mneme::cli
