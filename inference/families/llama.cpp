// SPDX-License-Identifier: Apache-2.0
// Llama and what is built like it (SmolLM, Mistral without a window, Mixtral): pre-norm,
// grouped-query attention, SwiGLU, biases where the file has them. As in llama.cpp's
// src/models/llama.cpp. A GGUF holds the rows of queries and keys in another order than the model
// was trained with.
#include "inference/families/family.h"

namespace mneme {
namespace {

constexpr std::string_view kLlamaTypes[] = {"llama", "mistral"};

void read(ConfigReader& file, ModelConfig& c) {
  file.dense(c, file.pairs_in_halves());
  if (file.integer_or("expert_count", 0) > 0) file.experts(c, true);
  // Of the first Mistral; converters to GGUF drop it.
  if (!file.is_hub_folder()) return;
  const std::int64_t window = file.window(c.context_length);
  for (LayerSpec& layer : c.layers) layer.attention.window = window;
}

}  // namespace

TensorId pre_norm_layer(ModelBuilder& b, const LayerSpec& spec, TensorId x) {
  const TensorId mixed = b.attention(b.norm(x, "attn_norm"), spec.attention);
  x = b.add(x, mixed, "attn_residual");
  const TensorId normed = b.norm(x, "ffn_norm");
  const TensorId fed = spec.experts.count > 0 ? b.mixture_of_experts(normed, spec.experts)
                                              : b.feed_forward(normed, spec.feed_forward);
  return b.add(x, fed, "ffn_residual");
}

const Family kLlama{
    "llama",
    read,
    pre_norm_layer,
    {.model_types = kLlamaTypes,
     .defaults = R"({"rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": false})",
     .activations = kSiluNames}};

}  // namespace mneme
