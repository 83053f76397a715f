// SPDX-License-Identifier: Apache-2.0
#include "inference/model/check_model.h"

#include <utility>

#include "gpu/registry.h"
#include "inference/model/weights.h"
#include "inference/text/chat_template.h"
#include "inference/text/read_tokenizer.h"

namespace mneme {

namespace {

// Of the weights: what a summary holds beside the tokenizer's parts.
Result<ModelSummary> summarize(const ModelSource& source, ModelConfig config, Backend& cpu) {
  auto weights = Weights::bind(source, config, Placement(cpu, config.n_layers()));
  if (!weights) return weights.error();
  ModelSummary summary;
  summary.config = std::move(config);
  summary.weights = weights->main_dtype;
  summary.left_out = std::move(weights->left_out);
  return summary;
}

Result<ModelSummary> summarize(const ModelSource& source) {
  auto config = ModelConfig::read(source);
  if (!config) return config.error();
  auto tokenizer = read_tokenizer(source);
  if (!tokenizer) return tokenizer.error();
  auto backend = open_backend({1, ""});
  if (!backend) return backend.error();
  auto summary = summarize(source, std::move(*config), **backend);
  if (!summary) return summary;
  summary->tokenizer_sha256 = tokenizer->sha256();
  auto chat_template = ChatTemplate::from_gguf(source.metadata());
  summary->chat = chat_template ? "yes" : chat_template.error().message;
  return summary;
}

Result<ModelSummary> summarize_header(const ModelSource& source, Backend& cpu) {
  auto config = ModelConfig::read(source);
  if (!config) return config.error();
  RETURN_IF_ERROR(check_tokenizer(source));
  return summarize(source, std::move(*config), cpu);
}

Result<PackHeader> read_whole_header(const GgufFile& file) {
  auto header = read_pack_header(file);
  if (!header) return header.error();
  RETURN_IF_ERROR(check_pack_tensors(file, *header));
  return header;
}

}  // namespace

Result<ModelSummary> check_model(const ModelSource& source) {
  auto summary = summarize(source);
  RETURN_IF_ERROR(source.unchanged());
  return summary;
}

Result<ModelSummary> check_model_header(const ModelSource& source, Backend& cpu) {
  auto summary = summarize_header(source, cpu);
  RETURN_IF_ERROR(source.unchanged());
  return summary;
}

Result<PackHeader> check_pack(const GgufFile& file) {
  auto header = read_whole_header(file);
  RETURN_IF_ERROR(file.unchanged());
  return header;
}

}  // namespace mneme
