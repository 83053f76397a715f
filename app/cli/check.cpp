// SPDX-License-Identifier: Apache-2.0
// mneme-cli check: is this file a model or a pack that Mneme can use, and what is it?
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/interrupt.h"
#include "app/cli/result_json.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/printable.h"
#include "inference/files/gguf.h"
#include "inference/files/model_source.h"
#include "inference/model/check_model.h"
#include "inference/model/model_config.h"
#include "inference/tables/check_rows.h"
#include "inference/tables/memory_pack.h"
#include "inference/tables/table_files.h"
#include "inference/text/read_tokenizer.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CheckOptions {
  std::string file;
  std::string model;
  bool full = false;
  std::uint64_t compare = 0;  // rows
  bool json = false;
};

Result<Json> describe_model(const ModelSource& source) {
  auto summary = check_model(source);
  if (!summary) return summary.error();
  const ModelConfig& config = summary->config;
  Json json;
  json["kind"] = "model";
  json["name"] = config.name;
  json["architecture"] = config.architecture;
  json["weights"] = summary->weights;
  json["bytes"] = source.bytes();
  json["tensors"] = source.tensors().size();
  json["layers"] = config.n_layers();
  json["width"] = config.dim;
  json["heads"] = config.layers.front().attention.heads;
  json["kv_heads"] = config.layers.front().attention.kv_heads;
  json["vocabulary"] = config.vocab_size;
  json["context"] = config.context_length;
  json["tokenizer_sha256"] = summary->tokenizer_sha256;
  json["chat"] = summary->chat;
  if (!summary->left_out.empty()) json["left_out"] = summary->left_out;
  return json;
}

Result<Json> describe_pack(const GgufFile& file, const std::string& model_path) {
  auto header = check_pack(file);
  if (!header) return header.error();
  Json json;
  json["kind"] = "memory pack";
  json["name"] = header->name;
  json["license"] = header->license;
  json["trained"] = header->trained;
  json["bytes"] = file.file_size();
  json["streams"] = header->streams;
  json["width"] = header->embedding_length;
  json["max_ngram_size"] = header->hash.max_ngram_size;
  json["head_count"] = header->hash.head_count;
  json["row_bytes"] = header->row_bytes();
  Json layers = Json::array();
  for (const LayerHash& layer : header->hash.layers)
    layers.push_back({{"layer", layer.layer_id}, {"rows", layer.rows}});
  json["layers"] = layers;
  json["tokenizer_sha256"] = header->tokenizer_sha256;
  json["base_sha256"] = header->base_sha256;
  if (model_path.empty()) return json;
  auto model = ModelSource::open(model_path);
  if (!model) return model.error();
  auto config = ModelConfig::read(*model);
  if (!config) return config.error();
  auto tokenizer = read_tokenizer(*model);
  if (!tokenizer) return tokenizer.error();
  RETURN_IF_ERROR(check_pack_fits(file, *header, *config, tokenizer->sha256()));
  json["fits"] = config->name;
  return json;
}

bool is_bare_tables(const GgufFile& file) {
  const auto type = file.metadata().find<std::string_view>("general.type");
  return type && type->has_value() && **type == "engram-tables";
}

Result<Json> describe_tables(const std::string& path) {
  auto found = find_tables({path});
  if (!found) return found.error();
  Json json;
  json["kind"] = "tables";
  json["format"] = found->tables.front().format.name();
  json["row_bytes"] = found->tables.front().source.row_bytes;
  Json layers = Json::array();
  for (const FoundTable& table : found->tables)
    layers.push_back({{"layer", table.layer}, {"rows", table.source.rows}});
  json["layers"] = layers;
  json["hash"] = found->origin_text;
  return json;
}

// Every row of the file's tables, into `json`. Errors: corrupt, where rows are damaged.
Status check_all_rows(const CheckOptions& options, Json& json) {
  auto found = find_tables({options.file});
  if (!found) return found.error();
  const auto progress = [](double fraction) {
    show_progress(fmt::format("reading rows {:.1f} %", 100 * fraction));
  };
  auto rows = check_rows(*found, progress, interrupt_flag());
  show_progress("");
  if (!rows) return rows.error();
  json["rows_read"] = rows->rows;
  json["row_checksums"] = rows->checksums ? "compared" : "none in the file";
  if (rows->computed) json["synthetic_rows"] = "computed again and compared";
  json["rows_not_finite"] = rows->not_finite;
  json["rows_damaged"] = rows->damaged;
  if (rows->damaged == 0) return {};
  return Error{
      ErrorCode::corrupt,
      fmt::format("{}: {} of {} rows are damaged: {}{}", options.file, rows->damaged, rows->rows,
                  fmt::join(rows->first, "; "), rows->damaged > rows->first.size() ? "; ..." : "")};
}

// Rows by every reader against plain reads. Errors: corrupt, where one differs.
Status compare_readers(const CheckOptions& options, Json& json) {
  auto found = find_tables({options.file});
  if (!found) return found.error();
  const auto progress = [](double fraction) {
    show_progress(fmt::format("comparing rows {:.1f} %", 100 * fraction));
  };
  const std::uint64_t rows = std::max<std::uint64_t>(1, options.compare / found->tables.size());
  auto results = compare_rows(*found, rows, progress, interrupt_flag());
  show_progress("");
  if (!results) return results.error();
  Json readers = Json::array();
  Status status;
  for (const CompareResult& result : *results) {
    Json one;
    one["reader"] = result.stats.reader;
    one["storage"] = storage_label(result.stats);
    one["rows"] = result.rows;
    one["different"] = result.different;
    one["straddling"] = result.straddling;
    one["repeated"] = result.repeated;
    one["edges"] = result.edges;
    one["budget_changes"] = result.budget_changes;
    one["reads"] = result.stats.reads;
    readers.push_back(std::move(one));
    if (result.different > 0) {
      status = Error{ErrorCode::corrupt,
                     fmt::format("{}: {} of {} rows came otherwise by {} than by plain reads, the "
                                 "first of them row {} of layer {}",
                                 options.file, result.different, result.rows, result.stats.reader,
                                 result.first_row, found->tables[result.first_table].layer)};
    }
  }
  json["compared"] = std::move(readers);
  return status;
}

Result<Json> describe(const CheckOptions& options) {
  auto file = GgufFile::open(options.file);
  if (file) {
    if (is_memory_pack(*file)) return describe_pack(*file, options.model);
    if (is_bare_tables(*file)) return describe_tables(options.file);
  }
  if (!options.full && options.compare == 0) {
    auto source = ModelSource::open(options.file);
    return source ? describe_model(*source) : Result<Json>(source.error());
  }
  return describe_tables(options.file);  // of a model that we may not be able to run
}

int run(const CheckOptions& options) {
  auto json = describe(options);
  if (!json) return fail(json.error());
  if (options.full) {
    if (const Status status = check_all_rows(options, *json); !status) return fail(status.error());
  }
  if (options.compare > 0) {
    if (const Status status = compare_readers(options, *json); !status) return fail(status.error());
  }
  if (options.json) {
    print_out("{}\n", json_text(*json));
    return kDone;
  }
  for (const auto& [key, value] : json->items()) {
    print_out("{:18} {}\n", key,
              value.is_string() ? printable(value.get<std::string>(), kMessageBytesMax)
                                : json_text(value));
  }
  return kDone;
}

}  // namespace

Command add_check(CLI::App& parent) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* app =
      parent.add_subcommand("check", "Validate a model or memory pack and say what it is");
  add_name(*app, "file", options->file, "FILE",
           "GGUF file; with --full also a safetensors file or index")
      ->required();
  add_name(*app, "-m,--model", options->model, "FILE", "for a pack: does it fit this model?");
  app->add_flag(
      "--full", options->full,
      "read every row of its tables too, and compare checksums; takes as long as reading");
  add_whole(*app, "--compare", options->compare, 1, std::int64_t{1} << 40,
            "read so many rows through the RAM cache by every reader, and compare them with plain "
            "reads",
            "none");
  app->add_flag("--json", options->json, "machine-readable output");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
