// SPDX-License-Identifier: Apache-2.0
// What a family is called on the Hugging Face hub, and where its config.json and its tensors differ
// from what most families share (hub_config.cpp, hub_tensors.cpp).
#pragma once

#include <cstdint>
#include <span>
#include <string_view>

namespace mneme {

class HubConfig;

// A part of a layer: "post_attention_layernorm" -> "ffn_norm".
struct HubTensorName {
  std::string_view hub;
  std::string_view gguf;
};

struct HubFamily {
  std::span<const std::string_view> model_types;
  // JSON: what a config.json leaves out where it is as in the configuration class of transformers.
  std::string_view defaults;
  std::span<const std::string_view> activations;  // names of the one that the family computes
  std::span<const HubTensorName> tensors = {};    // of layers, before the usual ones
  float norm_offset = 0.0f;                       // what a GGUF adds to the weights of norms
  // What is more than a name for a name; null = nothing.
  void (*translate)(HubConfig& config) = nullptr;
};

inline constexpr std::string_view kSiluNames[] = {"silu", "swish"};

}  // namespace mneme
