// SPDX-License-Identifier: Apache-2.0
// mneme-cli synth: models and memory packs of real shapes without a download. A model has random
// weights and the tokenizer of another, so that its text is noise. A pack (--pack) fits a given
// model, its rows know nothing, and every view says so; with --rows its tables are of a published
// shape and of any size, and each row can be computed from its number (check --full does).
#include <fmt/format.h>

#include <cstdio>
#include <filesystem>
#include <memory>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "app/cli/write_file.h"
#include "app/paths.h"
#include "inference/model/memory_pack_writer.h"
#include "inference/model/synth_model.h"

namespace mneme::cli {
namespace {

struct SynthCliOptions {
  std::string out;
  std::string tokenizer_from;
  std::string shape = "1b";
  std::string type = "Q4_0";
  std::uint64_t seed = 1;
  bool pack = false;
  std::string model;
  std::string rows;
  std::string size;
  std::string layout = "pages";
  bool estimate = false;
};

// "v41", "qwen", or NxHxD: the longest n-gram, heads an order, values a row. False: none of these.
bool parse_rows(const std::string& text, UntrainedPackOptions& pack) {
  if (text == "v41") return parse_rows("4x8x256", pack);
  if (text == "qwen") return parse_rows("3x8x160", pack);
  int used = 0;
  return std::sscanf(text.c_str(), "%dx%dx%d%n", &pack.max_ngram_size, &pack.head_count,
                     &pack.column_dims, &used) == 3 &&
         static_cast<std::size_t>(used) == text.size();
}

int write_pack(const SynthCliOptions& options) {
  UntrainedPackOptions pack;
  pack.seed = options.seed;
  if (!options.rows.empty()) {
    if (!parse_rows(options.rows, pack)) {
      return fail(Error{ErrorCode::invalid,
                        fmt::format("'{}' are no rows: write v41, qwen or, as in 4x8x256, the "
                                    "longest n-gram, the heads and the values a row",
                                    options.rows)});
    }
    pack.rows = options.layout == "pages" ? UntrainedPackOptions::Rows::computed_pages
                                          : UntrainedPackOptions::Rows::computed_plain;
  }
  if (!options.size.empty()) {
    const auto bytes = parse_bytes(options.size);
    if (!bytes) return fail(bytes.error());
    pack.file_bytes_max = *bytes;
  }
  const std::string model = options.model.empty() ? Paths::find().default_model() : options.model;
  const auto writer = plan_untrained_pack(model, pack);
  return writer ? write_file(*writer, options.out, options.estimate) : fail(writer.error());
}

int write_model(const SynthCliOptions& options) {
  SynthModelOptions synth;
  synth.seed = options.seed;
  if (options.shape == "1b") {
    synth.shape = kLlama1bShape;
  } else {
    synth.shape = kSmolShape;
  }
  bool known = false;
  for (const DType type : {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_0,
                           DType::q4_1, DType::q4_k, DType::q5_k, DType::q6_k}) {
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
  const auto writer = plan_synth_model(*tokenizer, synth);
  return writer ? write_file(*writer, options.out, options.estimate) : fail(writer.error());
}

}  // namespace

Command add_synth(CLI::App& parent) {
  auto options = std::make_shared<SynthCliOptions>();
  CLI::App* app = parent.add_subcommand(
      "synth", "Write a model of random weights, or a memory pack that knows nothing");
  app->add_option("out", options->out, "file to write; never overwritten")->required();
  app->add_option("--seed", options->seed, "seed of the weights or rows")->capture_default_str();
  app->add_flag("--estimate", options->estimate, "print the size and write nothing");
  const auto of_model = [&](CLI::Option* option) { return option->group("A model"); };
  of_model(app->add_option("--shape", options->shape, "1b (Llama 3.2 1B) or 135m (SmolLM2 135M)"))
      ->check(CLI::IsMember({"1b", "135m"}))
      ->capture_default_str();
  of_model(app->add_option("--type", options->type,
                           "F32, F16, BF16, Q8_0, Q4_0, Q4_1, Q4_K, Q5_K or Q6_K"))
      ->capture_default_str();
  of_model(app->add_option("--tokenizer-from", options->tokenizer_from,
                           "GGUF to take the tokenizer from (default: the default model)"));
  CLI::Option* pack = app->add_flag("--pack", options->pack, "write a memory pack instead");
  const auto of_pack = [&](CLI::Option* option) {
    return option->group("A memory pack")->needs(pack);
  };
  pack->group("A memory pack");
  of_pack(app->add_option("-m,--model", options->model,
                          "the model it is for (default: the default model)"));
  CLI::Option* rows = of_pack(app->add_option(
      "--rows", options->rows,
      "v41 (24 rows of 264 B a token and layer), qwen (16 of 165 B), or NxHxD; rows that can be "
      "checked"));
  of_pack(app->add_option("--size", options->size, "of the file, as 40G (default: 5 MB)"));
  of_pack(app->add_option("--layout", options->layout,
                          "pages (with checksums) or plain (row after row)"))
      ->needs(rows)
      ->check(CLI::IsMember({"pages", "plain"}))
      ->capture_default_str();
  return [options] { return options->pack ? write_pack(*options) : write_model(*options); };
}

}  // namespace mneme::cli
