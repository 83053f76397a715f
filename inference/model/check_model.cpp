// SPDX-License-Identifier: Apache-2.0
#include "inference/model/check_model.h"

#include <utility>

#include "gpu/registry.h"
#include "inference/model/weights.h"
#include "inference/text/chat_template.h"
#include "inference/text/gguf_vocabulary.h"
#include "inference/text/tokenizer.h"

namespace mneme {

namespace {

// Of the weights: what a summary holds beside the tokenizer's parts.
Result<ModelSummary> summarize(const GgufFile& file, ModelConfig config, Backend& cpu) {
  auto weights = Weights::bind(file, config, Placement(cpu, config.n_layers()));
  if (!weights) return weights.error();
  ModelSummary summary;
  summary.config = std::move(config);
  summary.weights = weights->main_dtype;
  summary.left_out = std::move(weights->left_out);
  return summary;
}

Result<ModelSummary> summarize(const GgufFile& file) {
  auto config = ModelConfig::from_gguf(file);
  if (!config) return config.error();
  auto tokenizer = Tokenizer::from_gguf(file);
  if (!tokenizer) return tokenizer.error();
  auto backend = open_backend({1, ""});
  if (!backend) return backend.error();
  auto summary = summarize(file, std::move(*config), **backend);
  if (!summary) return summary;
  summary->tokenizer_sha256 = tokenizer->sha256();
  auto chat_template = ChatTemplate::from_gguf(file);
  summary->chat = chat_template ? "yes" : chat_template.error().message;
  return summary;
}

Result<ModelSummary> summarize_header(const GgufFile& file, Backend& cpu) {
  auto config = ModelConfig::from_gguf(file);
  if (!config) return config.error();
  RETURN_IF_ERROR(check_gguf_vocabulary(file));
  return summarize(file, std::move(*config), cpu);
}

Result<PackHeader> read_whole_header(const GgufFile& file) {
  auto header = read_pack_header(file);
  if (!header) return header.error();
  RETURN_IF_ERROR(check_pack_tensors(file, *header));
  return header;
}

}  // namespace

Result<ModelSummary> check_model(const GgufFile& file) {
  auto summary = summarize(file);
  RETURN_IF_ERROR(file.unchanged());
  return summary;
}

Result<ModelSummary> check_model_header(const GgufFile& file, Backend& cpu) {
  auto summary = summarize_header(file, cpu);
  RETURN_IF_ERROR(file.unchanged());
  return summary;
}

Result<PackHeader> check_pack(const GgufFile& file) {
  auto header = read_whole_header(file);
  RETURN_IF_ERROR(file.unchanged());
  return header;
}

}  // namespace mneme
