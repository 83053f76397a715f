// SPDX-License-Identifier: Apache-2.0
// mneme-cli pack: converts a model's n-gram tables to our own layout, in which no row lies in two
// pages and each has its checksum. The input is only read.
#include <fmt/format.h>

#include <memory>
#include <string>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/cli/write_file.h"
#include "inference/tables/table_pack.h"

namespace mneme::cli {
namespace {

struct PackCliOptions {
  std::vector<std::string> inputs;
  std::string out;
  bool estimate = false;
};

int run(const PackCliOptions& options) {
  const auto writer = plan_table_pack(options.inputs);
  if (!writer) return fail(writer.error());
  return write_file(*writer, options.out, options.estimate);
}

}  // namespace

Command add_pack(CLI::App& parent) {
  auto options = std::make_shared<PackCliOptions>();
  CLI::App* app = parent.add_subcommand(
      "pack", "Copy a model's n-gram tables into pages with checksums; goes on where it stopped");
  add_names(*app, "inputs", options->inputs, "FILE",
            "GGUF (all splits), *.safetensors.index.json, or safetensors shards")
      ->required();
  add_name(*app, "-o,--out", options->out, "FILE", "file to write; never overwritten")->required();
  app->add_flag("--estimate", options->estimate, "print the size and write nothing");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
