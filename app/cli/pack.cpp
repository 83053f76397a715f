// SPDX-License-Identifier: Apache-2.0
// mneme-cli pack: writes a memory pack of random rows for a model, the stand-in until a trained one
// exists. It is marked untrained, and every view says so.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/paths.h"
#include "inference/model/memory_pack_writer.h"

namespace mneme::cli {
namespace {

struct PackCliOptions {
  std::string out;
  std::string model;
  std::uint64_t seed = 1;
};

int run(const PackCliOptions& options) {
  UntrainedPackOptions pack;
  pack.seed = options.seed;
  const std::string model = options.model.empty() ? Paths::find().default_model() : options.model;
  if (const auto status = write_untrained_pack(model, options.out, pack); !status)
    return fail(status.error());
  fmt::print("wrote {}\n", options.out);
  return kDone;
}

}  // namespace

Command add_pack(CLI::App& parent) {
  auto options = std::make_shared<PackCliOptions>();
  CLI::App* app = parent.add_subcommand("pack", "Write an untrained memory pack for a model");
  app->add_option("out", options->out, "file to write")->required();
  app->add_option("-m,--model", options->model, "the model it is for (default: the default model)");
  app->add_option("--seed", options->seed, "seed of the rows")->capture_default_str();
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
