// SPDX-License-Identifier: Apache-2.0
// mneme-cli synth: models and memory packs of real shapes without a download. A model has random
// weights and the tokenizer of another, so that its text is noise. A pack (--pack) fits a given
// model, its rows know nothing, and every view says so; with --rows its tables are of a published
// shape and of any size, and each row can be computed from its number (check --full does).
#include <fmt/format.h>

#include <algorithm>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/commands.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/cli/write_file.h"
#include "app/paths.h"
#include "inference/model/synth_model.h"
#include "inference/tables/memory_pack_writer.h"

namespace mneme::cli {
namespace {

// Of the rows of a pack.
struct RowShape {
  int max_ngram_size = 0;
  int head_count = 0;
  int column_dims = 0;
};

struct SynthCliOptions {
  std::string out;
  std::string tokenizer_from;
  SynthShape shape = kLlama1bShape;
  DType type = DType::q4_0;
  std::uint64_t seed = 1;
  bool pack = false;
  std::string model;
  std::optional<RowShape> rows;
  std::uint64_t size = 0;  // bytes; 0 = as the pack's default
  std::string layout = "pages";
  bool estimate = false;
};

// "v41", "qwen", or NxHxD: the longest n-gram, heads an order, values a row.
Result<RowShape> parse_rows(const std::string& text) {
  if (text == "v41") return RowShape{4, 8, 256};
  if (text == "qwen") return RowShape{3, 8, 160};
  RowShape shape;
  std::string_view rest = text;
  for (int* number : {&shape.max_ngram_size, &shape.head_count, &shape.column_dims}) {
    const std::size_t end = std::min(rest.find('x'), rest.size());
    const auto value = parse_whole(rest.substr(0, end), 1, std::numeric_limits<int>::max());
    const bool last = number == &shape.column_dims;
    if (!value || last != (end == rest.size())) {
      return Error{ErrorCode::invalid,
                   fmt::format("'{}' are no rows: write v41, qwen or, as in 4x8x256, the longest "
                               "n-gram, the heads and the values a row",
                               text)};
    }
    *number = static_cast<int>(*value);
    rest.remove_prefix(last ? end : end + 1);
  }
  return shape;
}

int write_pack(const SynthCliOptions& options) {
  UntrainedPackOptions pack;
  pack.seed = options.seed;
  if (options.rows) {
    pack.max_ngram_size = options.rows->max_ngram_size;
    pack.head_count = options.rows->head_count;
    pack.column_dims = options.rows->column_dims;
    pack.rows = options.layout == "pages" ? UntrainedPackOptions::Rows::computed_pages
                                          : UntrainedPackOptions::Rows::computed_plain;
  }
  if (options.size > 0) pack.file_bytes_max = options.size;
  const std::string model = options.model.empty() ? Paths::find().default_model() : options.model;
  const auto writer = plan_untrained_pack(model, pack);
  return writer ? write_file(*writer, options.out, options.estimate) : fail(writer.error());
}

int write_model(const SynthCliOptions& options) {
  SynthModelOptions synth;
  synth.seed = options.seed;
  synth.shape = options.shape;
  synth.type = options.type;
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
  add_name(*app, "out", options->out, "FILE", "file to write; never overwritten")->required();
  add_whole(*app, "--seed", options->seed, 0, std::numeric_limits<std::int64_t>::max(),
            "seed of the weights or rows");
  app->add_flag("--estimate", options->estimate, "print the size and write nothing");
  const auto of_model = [&](CLI::Option* option) { return option->group("A model"); };
  const std::vector<std::pair<std::string, SynthShape>> shapes{{"1b", kLlama1bShape},
                                                               {"135m", kSmolShape},
                                                               {"qwen3-0.6b", kQwen3Shape},
                                                               {"gemma3-1b", kGemma3Shape}};
  of_model(add_choice(*app, "--shape", options->shape, shapes,
                      "Llama 3.2 1B, SmolLM2 135M, Qwen 3 0.6B or Gemma 3 1B", "1b"));
  std::vector<std::pair<std::string, DType>> types;
  for (const DType type : kWeightTypes) types.emplace_back(dtype_info(type).name, type);
  of_model(add_choice(*app, "--type", options->type, types, "of the weights",
                      std::string(dtype_info(options->type).name)));
  of_model(add_name(*app, "--tokenizer-from", options->tokenizer_from, "FILE",
                    "GGUF to take the tokenizer from", "the default model"));
  CLI::Option* pack = app->add_flag("--pack", options->pack, "write a memory pack instead");
  const auto of_pack = [&](CLI::Option* option) {
    return option->group("A memory pack")->needs(pack);
  };
  pack->group("A memory pack");
  of_pack(add_name(*app, "-m,--model", options->model, "FILE", "the model it is for",
                   "the default model"));
  CLI::Option* rows = of_pack(add_value(
      *app, "--rows", "v41|qwen|NxHxD",
      "24 rows of 264 B a token and layer, 16 of 165 B, or others; rows that can be checked", "",
      "random ones", [options](const std::string& text) -> Status {
        const auto shape = parse_rows(text);
        if (!shape) return shape.error();
        options->rows = *shape;
        return {};
      }));
  of_pack(add_size(*app, "--size", options->size, 1, "of the file, as 40G", "5 MB"));
  of_pack(add_choice(*app, "--layout", options->layout, {"pages", "plain"},
                     "pages with checksums, or row after row", options->layout))
      ->needs(rows);
  return [options] { return options->pack ? write_pack(*options) : write_model(*options); };
}

}  // namespace mneme::cli
