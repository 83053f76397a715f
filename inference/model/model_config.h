// SPDX-License-Identifier: Apache-2.0
// What a model is, whatever its family: sizes that all layers share, and for each layer a spec of
// its blocks. A family's file reads it (inference/families), ModelBuilder makes graphs from it, and
// weights, caches, estimates and checks are derived from those. Names as in the published configs.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/result.h"
#include "inference/files/model_source.h"

namespace mneme {

struct Family;

// How positions rotate queries and keys.
struct RopeSpec {
  std::int64_t dims = 0;  // leading values of each head that rotate; even
  float base = 10000.0f;
  float magnitude = 1.0f;      // of the rotated values
  bool halves = false;         // pairs are (i, i + dims / 2); else (2i, 2i + 1)
  std::vector<float> factors;  // [dims / 2]: what each frequency is divided by; empty = 1
};

// Grouped-query attention over a cache of keys and values.
struct AttentionSpec {
  std::int64_t heads = 0;
  std::int64_t kv_heads = 0;
  std::int64_t head_dim = 0;
  std::size_t rope = 0;     // index into ModelConfig::ropes
  bool norm_heads = false;  // queries and keys are normed by head, before they rotate
  std::int64_t window = 0;  // positions that a token sees, itself among them; 0 = all before it
  float scale = 0.0f;       // of the scores; 0 = 1 / sqrt(head_dim)
  float score_cap = 0.0f;   // soft; 0 = none

  std::int64_t q_dim() const { return heads * head_dim; }
  std::int64_t kv_dim() const { return kv_heads * head_dim; }
};

enum class Activation : std::uint8_t { silu, gelu_tanh };

// Gated feed-forward network.
struct FeedForwardSpec {
  std::int64_t hidden = 0;
  Activation activation = Activation::silu;
};

// Networks of which a router chooses some for each token; their weighted sum is the layer's.
struct ExpertsSpec {
  std::int64_t count = 0;  // 0: the layer has one network for all tokens
  std::int64_t chosen = 0;
  std::int64_t hidden = 0;
  bool normalise = false;  // weights are divided by their sum
  float scale = 1.0f;      // of the weights
};

struct LayerSpec {
  AttentionSpec attention;
  FeedForwardSpec feed_forward;
  ExpertsSpec experts;
};

struct ModelConfig {
  const Family* family = nullptr;
  std::string architecture;  // the family's name in GGUF: "llama"
  std::string name;
  std::int64_t vocab_size = 0;  // tokens; the embedding may have more rows, which stand for nothing
  std::int64_t dim = 0;         // D, embedding_length
  std::int64_t context_length = 0;  // positions that the model was trained for
  float norm_eps = 1e-5f;
  float embedding_scale = 1.0f;  // what rows of the embedding are multiplied by
  float logit_cap = 0.0f;        // soft; 0 = none
  std::vector<RopeSpec> ropes;
  std::vector<LayerSpec> layers;
  std::int64_t draft_layers = 0;  // behind `layers`, which guess further tokens: left out

  std::int64_t n_layers() const { return static_cast<std::int64_t>(layers.size()); }

  // Errors: unsupported (no whole model, a family we do not have, a setting we do not compute with:
  // all named); corrupt (missing or contradicting numbers).
  static Result<ModelConfig> read(const ModelSource& source);
};

}  // namespace mneme
