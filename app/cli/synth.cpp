// SPDX-License-Identifier: Apache-2.0
// mneme-cli synth: writes a Llama-type model of a real shape with random weights, to measure speed
// without a download. Its text is noise; its tokenizer is that of the model it borrows from.
#include <fmt/format.h>

#include <memory>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/paths.h"
#include "inference/model/synth_model.h"

namespace mneme::cli {
namespace {

struct SynthCliOptions {
  std::string out;
  std::string tokenizer_from;
  std::string shape = "1b";
  std::string type = "Q4_0";
  std::uint64_t seed = 1;
};

int run(const SynthCliOptions& options) {
  SynthModelOptions synth;
  synth.seed = options.seed;
  if (options.shape == "1b") {
    synth.shape = kLlama1bShape;
  } else {
    synth.shape = kSmolShape;
  }
  bool known = false;
  for (const DType type :
       {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_0, DType::q4_1}) {
    if (dtype_info(type).name == options.type) {
      synth.type = type;
      known = true;
    }
  }
  if (!known)
    return fail(Error{ErrorCode::invalid, fmt::format("unknown type '{}'", options.type)});
  const std::string source =
      options.tokenizer_from.empty() ? Paths::find().default_model() : options.tokenizer_from;
  auto tokenizer = GgufFile::open(source);
  if (!tokenizer) return fail(tokenizer.error().with("borrowing a tokenizer"));
  if (const auto status = write_synth_model(*tokenizer, options.out, synth); !status)
    return fail(status.error());
  fmt::print("wrote {}\n", options.out);
  return kDone;
}

}  // namespace

Command add_synth(CLI::App& parent) {
  auto options = std::make_shared<SynthCliOptions>();
  CLI::App* app =
      parent.add_subcommand("synth", "Write a model of random weights for measurements");
  app->add_option("out", options->out, "file to write")->required();
  app->add_option("--shape", options->shape, "1b (Llama 3.2 1B) or 135m (SmolLM2 135M)")
      ->check(CLI::IsMember({"1b", "135m"}))
      ->capture_default_str();
  app->add_option("--type", options->type, "F32, F16, BF16, Q8_0, Q4_0 or Q4_1")
      ->capture_default_str();
  app->add_option("--tokenizer-from", options->tokenizer_from,
                  "GGUF to take the tokenizer from (default: the default model)");
  app->add_option("--seed", options->seed, "seed of the weights")->capture_default_str();
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
