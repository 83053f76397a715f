// SPDX-License-Identifier: Apache-2.0
// mneme-cli devices: what a model could run on here, and for the rest why not.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/printable.h"
#include "inference/run/machine.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

int run(bool as_json) {
  const std::vector<DeviceInfo> all = devices();
  if (as_json) {
    Json json = Json::array();
    for (const DeviceInfo& device : all) json.push_back(to_json(device));
    print_out("{}\n", json_text(json));
    return kDone;
  }
  for (const DeviceInfo& d : all) {
    print_out("{:10} {}\n", d.id, printable(d.name));
    if (!d.driver.empty()) print_out("{:10} {}\n", "", printable(d.driver));
    if (!d.unusable.empty()) {
      print_out("{:10} cannot be used: {}\n", "", printable(d.unusable, kMessageBytesMax));
      continue;
    }
    print_out("{:10} {} of memory, {} free{}\n", "", bytes_text(d.total_bytes),
              bytes_text(d.free_bytes),
              d.automatic || d.id == "cpu" ? "" : "; used only where it is named");
  }
  return kDone;
}

}  // namespace

Command add_devices(CLI::App& parent) {
  auto json = std::make_shared<bool>(false);
  CLI::App* app = parent.add_subcommand(
      "devices", "List what a model could run on here; for the rest, why not");
  app->add_flag("--json", *json, "a JSON array");
  return [json] { return run(*json); };
}

}  // namespace mneme::cli
