// SPDX-License-Identifier: Apache-2.0
// mneme-bench ops: every op of the conformance table on one device, checked against its
// definition and timed.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/cli/interrupt.h"
#include "app/cli/options.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "gpu/conformance/run_case.h"
#include "gpu/registry.h"
#include "tests/bench/commands.h"

namespace mneme::bench {
namespace {

using namespace cli;

using Json = nlohmann::ordered_json;

struct Options {
  Settings settings;
  std::string filter;
  int times = 9;
  bool json = false;
};

Status run_ops(const Options& options) {
  BackendOptions device;
  device.threads = options.settings.engine.threads;
  device.instruction_set = options.settings.engine.instruction_set;
  device.device = options.settings.engine.device;
  device.cache_folder = Paths::find().cache;
  auto backend = open_backend(device);
  if (!backend) return backend.error();
  std::vector<OpCase> cases = conformance_cases();
  std::erase_if(cases,
                [&](const OpCase& c) { return c.name.find(options.filter) == std::string::npos; });
  if (cases.empty()) {
    return Error{ErrorCode::invalid,
                 fmt::format("no row of the table has \"{}\" in its name", options.filter)};
  }
  const NumericMode mode = options.settings.engine.exact ? NumericMode::exact : NumericMode::fast;
  Json rows = Json::array();
  int failures = 0;
  for (const OpCase& c : cases) {
    RETURN_IF_ERROR(check_interrupt());
    const OpOutcome outcome = run_case(**backend, c, mode, options.times);
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
  }
  if (options.json) {
    Json json;
    json["device"] = (*backend)->description();
    json["numeric_mode"] = options.settings.engine.exact ? "exact" : "fast";
    json["failures"] = failures;
    json["ops"] = std::move(rows);
    print_out("{}\n", json_text(json));
  } else {
    print_out("{}\n", (*backend)->description());
  }
  if (failures == 0) return {};
  return Error{ErrorCode::device, fmt::format("{} of {} ops failed", failures, cases.size())};
}

}  // namespace

Command add_ops(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  CLI::App* app =
      parent.add_subcommand("ops", "Check and time every op of the conformance table on a device");
  options->settings.engine.device = "cpu";
  for (const char* name : {"model/threads", "model/instruction_set", "model/device"}) {
    add_setting(*app, find_setting(name), options->settings);
  }
  add_name(*app, "--filter", options->filter, "TEXT", "only rows with this text in their name");
  add_whole(*app, "--times", options->times, 1, 1000, "runs of each row; its time is their median");
  app->add_flag("--exact", options->settings.engine.exact, "hold products to float32 activations");
  app->add_flag("--json", options->json, "one JSON object");
  return [options] {
    const Status status = run_ops(*options);
    return status ? kDone : fail(status.error());
  };
}

}  // namespace mneme::bench
