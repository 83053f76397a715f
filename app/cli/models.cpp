// SPDX-License-Identifier: Apache-2.0
// mneme-cli models: which models lie here, also those of other programs, and which of them open.
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "base/printable.h"
#include "inference/machine/found_models.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;
using Memory = FoundModel::Memory;

std::string_view memory_name(Memory memory) {
  return memory == Memory::pack ? "pack" : memory == Memory::tables ? "tables" : "none";
}

Json found_json(const FoundModels& found) {
  Json models = Json::array();
  for (const FoundModel& model : found.models) {
    models.push_back({{"path", model.path},
                      {"program", model.program},
                      {"name", model.name},
                      {"architecture", model.architecture},
                      {"quantisation", model.quantisation},
                      {"bytes", model.bytes},
                      {"experts", model.experts},
                      {"memory", memory_name(model.memory)},
                      {"pack", model.pack_path.empty() ? Json() : Json(model.pack_path)},
                      {"unusable", model.opens() ? Json() : Json(model.unusable)}});
  }
  const auto places = [](const std::vector<ModelPlace>& all) {
    Json json = Json::array();
    for (const ModelPlace& place : all) {
      json.push_back({{"program", place.program}, {"folder", place.folder}});
    }
    return json;
  };
  return {{"models", std::move(models)},
          {"looked", places(found.looked)},
          {"missing", places(found.missing)},
          {"left_out", found.left_out}};
}

// "Q4_0, 93 MB, with an n-gram memory"
std::string describe(const FoundModel& model) {
  std::string text = bytes_text(model.bytes);
  if (!model.quantisation.empty()) text = model.quantisation + ", " + text;
  if (!model.architecture.empty()) text = printable(model.architecture) + ", " + text;
  if (model.experts > 0) text += fmt::format(", a mixture of {} experts", model.experts);
  if (model.memory == Memory::pack) text += ", with an n-gram memory";
  if (model.memory == Memory::tables) text += ", with n-gram tables";
  return text;
}

void print_text(const FoundModels& found) {
  for (const FoundModel& model : found.models) {
    print_out("{}  ({}; {})\n", printable(model.name), model.program, describe(model));
    print_out("  {}\n", printable(model.path, kMessageBytesMax));
    if (model.memory == Memory::pack) {
      print_out("  memory: {}\n", printable(model.pack_path, kMessageBytesMax));
    }
    if (!model.opens()) {
      print_out("  cannot be opened: {}\n", printable(model.unusable, kMessageBytesMax));
    }
  }
  for (const std::string& what : found.left_out) {
    print_out("{}\n", printable(what, kMessageBytesMax));
  }
  const auto print_places = [](std::string_view what, const std::vector<ModelPlace>& places) {
    if (!places.empty()) print_out("{}\n", what);
    for (const ModelPlace& place : places) {
      print_out("  {}: {}\n", place.program, printable(place.folder, kMessageBytesMax));
    }
  };
  print_places("looked in:", found.looked);
  if (!found.models.empty()) return;
  print_places("not there:", found.missing);
  print_out("no model was found\n");
}

int run(bool as_json) {
  const auto places = model_places(process_environment, Paths::find().pack_folders());
  const FoundModels found = find_models(places, *interrupt_flag());
  if (const Status status = check_interrupt(); !status) return fail(status.error());
  if (as_json) {
    print_out("{}\n", json_text(found_json(found)));
  } else {
    print_text(found);
  }
  return kDone;
}

}  // namespace

Command add_models(CLI::App& parent) {
  auto json = std::make_shared<bool>(false);
  CLI::App* app = parent.add_subcommand(
      "models",
      "List the models that lie here: Mneme's own and those of LM Studio, Ollama, llama.cpp, "
      "Hugging Face's cache, GPT4All and Jan; which of them open, and why others do not");
  app->add_flag("--json", *json, "one JSON object");
  return [json] { return run(*json); };
}

}  // namespace mneme::cli
