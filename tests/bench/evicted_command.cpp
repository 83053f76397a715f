// SPDX-License-Identifier: Apache-2.0
// mneme-bench evicted: rows that have left RAM, from the record log and from the tables.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "app/cli/bench_inputs.h"
#include "app/cli/interrupt.h"
#include "app/cli/report.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "tests/bench/commands.h"
#include "tests/bench/evicted_rows.h"

namespace mneme::bench {
namespace {

using namespace cli;

constexpr std::uint64_t kMiB = 1 << 20;

struct Options {
  std::string tables;
  std::string folder;
  std::uint64_t size = std::uint64_t{8} << 30;  // bytes
  int rounds = EvictedOptions{}.rounds;
  bool json = false;
};

Status run_evicted(const Options& options, Report& report) {
  const std::string folder = options.folder.empty() ? Paths::find().models : options.folder;
  const auto tables = bench_tables(options.tables, folder, options.size);
  if (!tables) return tables.error();
  const auto result = bench_evicted_rows(*tables->hasher, tables->tables, folder,
                                         {.rounds = options.rounds}, show_progress, interrupt_flag());
  show_progress("");
  if (!result) return result.error();
  report.line(
      "rows of a token that have left RAM; {} n-grams, {} MiB were written to a record log",
      result->records, result->bytes_written / kMiB);
  const auto line = [&](const char* name, double us, double reads, double bytes) {
    report.line("  {:<16} {:9.0f} us, {:5.2f} reads, {:6.1f} KB", name, us, reads, bytes / 1e3);
    report.json["evicted"].push_back(
        {{"reader", name}, {"token_us", us}, {"reads", reads}, {"bytes", bytes}});
  };
  line("from the log", result->log_us, result->log_reads, result->log_bytes);
  line("from the tables", result->tables_us, result->tables_reads, result->tables_bytes);
  report.line("  the tables take {} times as long", interval(result->times));
  return {};
}

}  // namespace

Command add_evicted(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  CLI::App* app =
      parent.add_subcommand("evicted", "Compare the record log with the tables for evicted rows");
  add_name(*app, "--tables", options->tables, "FILE", "pack or model file whose rows are read",
           "a test table, deleted afterwards");
  add_size(*app, "--size", options->size, 1, "of the test table", "8G");
  add_whole(*app, "--rounds", options->rounds, 1, 1000, "how often rows are read by each way");
  add_name(*app, "--folder", options->folder, "FOLDER",
           "where the record log and the test table are written for a while", "where models lie");
  app->add_flag("--json", options->json, "machine-readable output");
  return [options] {
    return run_report<Report>(options->json,
                              [&](Report& report) { return run_evicted(*options, report); });
  };
}

}  // namespace mneme::bench
