// SPDX-License-Identifier: Apache-2.0
// Gemma 1 and 3, text: GELU, rows of the embedding times the root of the width, rotary pairs in
// halves. Gemma 3 norms what each block adds as well, norms the heads of queries and keys, and lets
// five of six layers see a window only, with rotations of their own. A GGUF holds the weights of
// norms with the 1 that the model adds to them.
#include <cmath>

#include "inference/families/family.h"
#include "inference/files/hub_config.h"

namespace mneme {
namespace {

constexpr std::int64_t kLayersAGlobalOne = 6;
constexpr std::int64_t kLayersOf27B = 62;

void read_gemma(ConfigReader& file, ModelConfig& c) {
  file.dense(c, true);
  c.embedding_scale = std::sqrt(static_cast<float>(c.dim));
  for (LayerSpec& layer : c.layers) layer.feed_forward.activation = Activation::gelu_tanh;
}

void read_gemma3(ConfigReader& file, ModelConfig& c) {
  read_gemma(file, c);
  float scale = file.positive_or("attention.scale", 0.0f);
  const std::int64_t blocks = c.n_layers();
  // The largest was made with another scale, of which its files say nothing.
  if (scale == 0.0f && blocks == kLayersOf27B) {
    const auto heads = static_cast<float>(c.layers.front().attention.heads);
    scale = 1.0f / std::sqrt(static_cast<float>(c.dim) / heads);
  }
  c.logit_cap = file.number_or("final_logit_softcapping", 0.0f);
  const std::int64_t window = file.integer_or("attention.sliding_window", 0);
  // Positions of layers with a window are not scaled.
  RopeSpec local = c.ropes.front();
  local.base = file.positive_or("rope.freq_base_swa", 10000.0f);
  local.factors.clear();
  local.magnitude = 1.0f;
  c.ropes.push_back(local);
  const std::vector<bool> windows = file.windowed_layers(blocks, kLayersAGlobalOne);
  for (std::size_t i = 0; i < c.layers.size(); ++i) {
    AttentionSpec& attention = c.layers[i].attention;
    attention.norm_heads = true;
    attention.scale = scale;
    if (window <= 0 || !windows[i]) continue;
    attention.window = window;
    attention.rope = 1;
  }
}

TensorId gemma3_layer(ModelBuilder& b, const LayerSpec& spec, TensorId x) {
  const TensorId mixed = b.attention(b.norm(x, "attn_norm"), spec.attention);
  x = b.add(x, b.norm(mixed, "post_attention_norm"), "attn_residual");
  const TensorId fed = b.feed_forward(b.norm(x, "ffn_norm"), spec.feed_forward);
  return b.add(x, b.norm(fed, "post_ffw_norm"), "ffn_residual");
}

void translate_windows(HubConfig& config) {
  const bool by_layer = config.has("layer_types");
  std::vector<bool> windows;
  for (const std::string& type : config.texts("layer_types").value_or(std::vector<std::string>())) {
    if (type != "sliding_attention" && type != "full_attention") config.refuse("layer_types");
    windows.push_back(type == "sliding_attention");
  }
  if (by_layer) config.put_flags("attention.sliding_window_pattern", windows, "layer_types");
  constexpr std::string_view kPattern = "sliding_window_pattern";
  constexpr std::string_view kPatternBeside = "_sliding_window_pattern";  // layer_types
  const auto layers = config.integer(kPattern);
  (void)config.integer(kPatternBeside);
  if (!by_layer && layers) config.put("attention.sliding_window_pattern", *layers, kPattern);
}

void translate_gemma3(HubConfig& config) {
  translate_windows(config);
  constexpr std::string_view kQueryWidth = "query_pre_attn_scalar";
  if (const auto width = config.number(kQueryWidth)) {
    config.put("attention.scale", 1 / std::sqrt(*width), kQueryWidth);
  }
  std::string_view local = "rope_local_base_freq";
  if (config.rope_prefix() == "rope_parameters.") {
    config.translate_rope("rope_parameters.full_attention.");
    constexpr std::string_view kType = "rope_parameters.sliding_attention.rope_type";
    if (config.text(kType).value_or("default") != "default") config.refuse(kType);
    local = "rope_parameters.sliding_attention.rope_theta";
  } else {
    config.translate_rope("rope_scaling.");
  }
  if (const auto base = config.number(local)) config.put("rope.freq_base_swa", *base, local);
}

constexpr std::string_view kGemmaTypes[] = {"gemma"};
constexpr std::string_view kGemma3Types[] = {"gemma3_text", "gemma3"};
constexpr std::string_view kGemmaActivations[] = {"gelu_pytorch_tanh", "gelu"};
constexpr std::string_view kGemmaDefaults =
    R"({"rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": true, "head_dim": 256})";
constexpr std::string_view kGemma3Defaults = R"({
    "vocab_size": 262208, "hidden_size": 2304, "intermediate_size": 9216, "num_hidden_layers": 26,
    "num_attention_heads": 8, "num_key_value_heads": 4, "head_dim": 256,
    "max_position_embeddings": 131072, "rms_norm_eps": 1e-6, "rope_theta": 1000000.0,
    "rope_local_base_freq": 10000.0, "query_pre_attn_scalar": 256, "sliding_window": 4096,
    "sliding_window_pattern": 6, "hidden_activation": "gelu_pytorch_tanh",
    "tie_word_embeddings": true})";
constexpr HubTensorName kGemma3Tensors[] = {
    {"post_attention_layernorm", "post_attention_norm"},
    {"pre_feedforward_layernorm", "ffn_norm"},
    {"post_feedforward_layernorm", "post_ffw_norm"},
};

}  // namespace

const Family kGemma{"gemma",
                    read_gemma,
                    pre_norm_layer,
                    {kGemmaTypes, kGemmaDefaults, kGemmaActivations, {}, 1.0f}};
const Family kGemma3{
    "gemma3",
    read_gemma3,
    gemma3_layer,
    {kGemma3Types, kGemma3Defaults, kGemmaActivations, kGemma3Tensors, 1.0f, translate_gemma3}};

}  // namespace mneme
