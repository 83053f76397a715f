// SPDX-License-Identifier: Apache-2.0
// mneme-cli bench ops: every op of the conformance table on one device, checked against its
// definition and timed.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "gpu/conformance/op_bench.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct Options {
  int threads = 0;
  std::string instruction_set;
  std::string device = "cpu";
  std::string filter;
  int times = OpBenchOptions{}.times;
  bool exact = false;
  bool json = false;
};

int run(const Options& options) {
  OpBenchOptions bench;
  bench.device.threads = options.threads;
  bench.device.instruction_set = options.instruction_set;
  bench.device.device = options.device;
  bench.device.cache_folder = Paths::find().cache;
  bench.mode = options.exact ? NumericMode::exact : NumericMode::fast;
  bench.filter = options.filter;
  bench.times = options.times;
  catch_interrupt();
  Json rows = Json::array();
  int failures = 0;
  const auto device = bench_ops(bench, [&](const OpCase& c, const OpOutcome& outcome) {
    failures += outcome.failure.empty() ? 0 : 1;
    const double gb_s = outcome.microseconds > 0 ? outcome.bytes / outcome.microseconds / 1e3 : 0;
    const double gflop_s =
        outcome.microseconds > 0 ? outcome.flops / outcome.microseconds / 1e3 : 0;
    if (options.json) {
      rows.push_back({{"op", c.name},
                      {"failure", outcome.failure},
                      {"worst", outcome.worst},
                      {"microseconds", outcome.microseconds},
                      {"gb_s", gb_s},
                      {"gflop_s", gflop_s}});
    } else {
      print_out("{:44} {:10.1f} us {:8.2f} GB/s {:9.2f} GFLOP/s  error {:.2f} of its limit{}{}\n",
                c.name, outcome.microseconds, gb_s, gflop_s, outcome.worst,
                outcome.failure.empty() ? "" : "  FAILED: ", outcome.failure);
      flush_out();
    }
    return !was_interrupted();
  });
  if (!device) return fail(device.error());
  if (was_interrupted()) return kInterrupted;
  if (options.json) {
    Json json;
    json["device"] = *device;
    json["numeric_mode"] = options.exact ? "exact" : "fast";
    json["failures"] = failures;
    json["ops"] = std::move(rows);
    print_out("{}\n", json_text(json));
  } else {
    print_out("{}: {} of the rows failed\n", *device,
              failures == 0 ? "none" : std::to_string(failures));
  }
  return failures == 0 ? kDone : kFailed;
}

}  // namespace

Command add_bench_ops(CLI::App& bench) {
  auto options = std::make_shared<Options>();
  CLI::App* app =
      bench.add_subcommand("ops", "Check and time every op of the conformance table on a device");
  add_threads(*app, options->threads);
  add_instruction_set(*app, options->instruction_set);
  add_name(*app, "--device", options->device, "NAME", "as `mneme-cli devices` lists them",
           options->device);
  add_name(*app, "--filter", options->filter, "TEXT", "only rows with this text in their name");
  add_whole(*app, "--times", options->times, 1, 1000, "runs of each row; its time is their median");
  app->add_flag("--exact", options->exact, "hold products to float32 activations");
  app->add_flag("--json", options->json, "one JSON object");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
