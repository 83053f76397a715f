// SPDX-License-Identifier: Apache-2.0
#include "inference/model/check_model.h"

#include <utility>

#include "gpu/registry.h"
#include "inference/model/weights.h"
#include "inference/text/chat_template.h"
#include "inference/text/tokenizer.h"

namespace mneme {

namespace {

Result<ModelSummary> summarize(const GgufFile& file) {
  ModelSummary summary;
  auto config = ModelConfig::from_gguf(file);
  if (!config) return config.error();
  auto tokenizer = Tokenizer::from_gguf(file);
  if (!tokenizer) return tokenizer.error();
  auto backend = open_backend({1, ""});
  if (!backend) return backend.error();
  auto weights = Weights::bind(file, *config, Placement(**backend, config->n_layers));
  if (!weights) return weights.error();
  summary.config = std::move(*config);
  summary.weights = weights->main_dtype;
  summary.tokenizer_sha256 = tokenizer->sha256();
  summary.left_out = std::move(weights->left_out);
  auto chat_template = ChatTemplate::from_gguf(file);
  summary.chat = chat_template ? "yes" : chat_template.error().message;
  return summary;
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

Result<PackHeader> check_pack(const GgufFile& file) {
  auto header = read_whole_header(file);
  RETURN_IF_ERROR(file.unchanged());
  return header;
}

}  // namespace mneme
