// SPDX-License-Identifier: Apache-2.0
// Gemma 1 and 3, text: GELU, rows of the embedding times the root of the width, rotary pairs in
// halves. Gemma 3 norms what each block adds as well, norms the heads of queries and keys, and lets
// five of six layers see a window only, with rotations of their own. A GGUF holds the weights of
// norms with the 1 that the model adds to them.
#include <cmath>

#include "inference/families/family.h"

namespace mneme {
namespace {

constexpr std::int64_t kLayersAGlobalOne = 6;
constexpr std::int64_t kLayersOf27B = 62;

// What both share; returns one layer, without windows.
LayerSpec read_common(ConfigReader& file, ModelConfig& c, std::int64_t& blocks) {
  blocks = file.layers(c);
  c.dim = file.width("embedding_length");
  c.context_length = file.count("context_length");
  c.norm_eps = file.positive("attention.layer_norm_rms_epsilon", 1.0f);
  c.embedding_scale = std::sqrt(static_cast<float>(c.dim));

  LayerSpec layer;
  layer.feed_forward.hidden = file.width_of_layers("feed_forward_length", blocks);
  layer.feed_forward.activation = Activation::gelu_tanh;
  layer.attention = file.attention(c.dim, blocks);
  c.ropes = {file.rope(layer.attention.head_dim, true)};
  return layer;
}

void read_gemma(ConfigReader& file, ModelConfig& c) {
  std::int64_t blocks = 0;
  const LayerSpec layer = read_common(file, c, blocks);
  c.layers.assign(static_cast<std::size_t>(blocks), layer);
}

void read_gemma3(ConfigReader& file, ModelConfig& c) {
  std::int64_t blocks = 0;
  LayerSpec layer = read_common(file, c, blocks);
  layer.attention.norm_heads = true;
  layer.attention.scale = file.positive_or("attention.scale", 0.0f);
  // The largest was made with another scale, of which its files say nothing.
  if (layer.attention.scale == 0.0f && blocks == kLayersOf27B) {
    layer.attention.scale =
        1.0f / std::sqrt(static_cast<float>(c.dim) / static_cast<float>(layer.attention.heads));
  }
  c.logit_cap = file.number_or("final_logit_softcapping", 0.0f);
  const std::int64_t window = file.integer_or("attention.sliding_window", 0);
  // Positions of layers with a window are not scaled.
  RopeSpec local = c.ropes.front();
  local.base = file.positive_or("rope.freq_base_swa", 10000.0f);
  local.factors.clear();
  local.magnitude = 1.0f;
  c.ropes.push_back(local);
  for (std::int64_t i = 0; i < blocks; ++i) {
    LayerSpec& added = c.layers.emplace_back(layer);
    if (window <= 0 || (i + 1) % kLayersAGlobalOne == 0) continue;
    added.attention.window = window;
    added.attention.rope = 1;
  }
}

TensorId gemma3_layer(ModelBuilder& b, const LayerSpec& spec, TensorId x) {
  const TensorId mixed = b.attention(b.norm(x, "attn_norm"), spec.attention);
  x = b.add(x, b.norm(mixed, "post_attention_norm"), "attn_residual");
  const TensorId fed = b.feed_forward(b.norm(x, "ffn_norm"), spec.feed_forward);
  return b.add(x, b.norm(fed, "post_ffw_norm"), "ffn_residual");
}

}  // namespace

const Family kGemma{"gemma", read_gemma, pre_norm_layer};
const Family kGemma3{"gemma3", read_gemma3, gemma3_layer};

}  // namespace mneme
