// SPDX-License-Identifier: Apache-2.0
// Llama and what is built like it (SmolLM, Mistral without a window): pre-norm, grouped-query
// attention, SwiGLU, biases where the file has them. As in llama.cpp's src/models/llama.cpp.
#include "inference/families/family.h"

namespace mneme {
namespace {

void read(ConfigReader& file, ModelConfig& c) {
  file.refuse_experts();
  const std::int64_t blocks = file.layers(c);
  c.dim = file.width("embedding_length");
  c.context_length = file.count("context_length");
  c.norm_eps = file.positive("attention.layer_norm_rms_epsilon", 1.0f);

  LayerSpec layer;
  layer.feed_forward.hidden = file.width_of_layers("feed_forward_length", blocks);
  layer.attention = file.attention(c.dim, blocks);
  c.ropes = {file.rope(layer.attention.head_dim, false)};
  c.layers.assign(static_cast<std::size_t>(blocks - c.draft_layers), layer);
}

}  // namespace

TensorId pre_norm_layer(ModelBuilder& b, const LayerSpec& spec, TensorId x) {
  const TensorId mixed = b.attention(b.norm(x, "attn_norm"), spec.attention);
  x = b.add(x, mixed, "attn_residual");
  const TensorId fed = b.feed_forward(b.norm(x, "ffn_norm"), spec.feed_forward);
  return b.add(x, fed, "ffn_residual");
}

const Family kLlama{"llama", read, pre_norm_layer};

}  // namespace mneme
