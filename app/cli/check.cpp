// SPDX-License-Identifier: Apache-2.0
// mneme-cli check: is this file a model or a pack that Mneme can use, and what is it?
#include <fmt/format.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "inference/model/check_model.h"
#include "inference/model/gguf.h"
#include "inference/model/memory_pack.h"
#include "inference/model/model_config.h"
#include "inference/text/tokenizer.h"

namespace mneme::cli {
namespace {

using Json = nlohmann::ordered_json;

struct CheckOptions {
  std::string file;
  std::string model;
  bool json = false;
};

Result<Json> describe_model(const GgufFile& file) {
  auto summary = check_model(file);
  if (!summary) return summary.error();
  const ModelConfig& config = summary->config;
  Json json;
  json["kind"] = "model";
  json["name"] = config.name;
  json["architecture"] = config.architecture;
  json["weights"] = summary->weights;
  json["bytes"] = file.file_size();
  json["tensors"] = file.tensors().size();
  json["layers"] = config.n_layers;
  json["width"] = config.dim;
  json["heads"] = config.n_heads;
  json["kv_heads"] = config.n_kv_heads;
  json["vocabulary"] = config.vocab_size;
  json["context"] = config.context_length;
  json["tokenizer_sha256"] = summary->tokenizer_sha256;
  json["chat"] = summary->chat;
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
  auto model = GgufFile::open(model_path);
  if (!model) return model.error();
  auto config = ModelConfig::from_gguf(*model);
  if (!config) return config.error();
  auto tokenizer = Tokenizer::from_gguf(*model);
  if (!tokenizer) return tokenizer.error();
  RETURN_IF_ERROR(check_pack_fits(file, *header, *config, tokenizer->sha256()));
  json["fits"] = config->name;
  return json;
}

int run(const CheckOptions& options) {
  auto file = GgufFile::open(options.file);
  if (!file) return fail(file.error());
  auto json = is_memory_pack(*file) ? describe_pack(*file, options.model) : describe_model(*file);
  if (!json) return fail(json.error());
  if (options.json) {
    fmt::print("{}\n", json->dump(-1, ' ', false, Json::error_handler_t::replace));
    return kDone;
  }
  for (const auto& [key, value] : json->items()) {
    fmt::print("{:18} {}\n", key,
               value.is_string() ? value.get<std::string>()
                                 : value.dump(-1, ' ', false, Json::error_handler_t::replace));
  }
  return kDone;
}

}  // namespace

Command add_check(CLI::App& parent) {
  auto options = std::make_shared<CheckOptions>();
  CLI::App* app =
      parent.add_subcommand("check", "Validate a model or memory pack and say what it is");
  app->add_option("file", options->file, "GGUF file")->required();
  app->add_option("-m,--model", options->model, "for a pack: does it fit this model?");
  app->add_flag("--json", options->json, "machine-readable output");
  return [options] { return run(*options); };
}

}  // namespace mneme::cli
