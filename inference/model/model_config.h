// SPDX-License-Identifier: Apache-2.0
// The hyperparameters of a Llama-type model, read from GGUF metadata and checked against each
// other. Names as in the published configs.
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"
#include "inference/model/gguf.h"

namespace mneme {

struct ModelConfig {
  std::string architecture;  // "llama"
  std::string name;
  std::int64_t vocab_size = 0;  // tokens; the embedding may have more rows, which stand for nothing
  std::int64_t n_layers = 0;
  std::int64_t draft_layers = 0;  // behind them, which guess further tokens: left out
  std::int64_t dim = 0;         // D, embedding_length
  std::int64_t hidden_dim = 0;  // feed_forward_length
  std::int64_t n_heads = 0;
  std::int64_t n_kv_heads = 0;
  std::int64_t head_dim = 0;
  std::int64_t rope_dims = 0;  // leading values of each head that rotate
  std::int64_t context_length = 0;
  float rope_base = 10000.0f;
  float rope_scale = 1.0f;  // linear scaling: positions are divided by it before they rotate
  float norm_eps = 1e-5f;

  std::int64_t kv_dim() const { return n_kv_heads * head_dim; }

  // Errors: unsupported (no whole model, another architecture, a setting we do not compute with:
  // all named); corrupt (missing or contradicting numbers).
  static Result<ModelConfig> from_gguf(const GgufFile& file);
};

}  // namespace mneme
