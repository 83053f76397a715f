// SPDX-License-Identifier: Apache-2.0
// A family of models is one file in this folder: how its files are read, and how one of its layers
// is put together. To add one: its file, and its line in registry.cpp.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "gpu/op.h"
#include "inference/families/config_reader.h"
#include "inference/families/hub_family.h"
#include "inference/model/model_builder.h"
#include "inference/model/model_config.h"

namespace mneme {

struct Family {
  std::string_view name;  // general.architecture in a GGUF

  // Fills the config's sizes, ropes and layers. What is wrong stays in the reader: a value that
  // could not be read is one that does no harm.
  void (*read)(ConfigReader& file, ModelConfig& config);

  // One layer, x [T, D] -> [T, D]. It is also how the layer's weights and states become known: it
  // must ask for the same ones whatever is bound.
  TensorId (*layer)(ModelBuilder& b, const LayerSpec& spec, TensorId x);

  HubFamily hub;  // on the Hugging Face hub
};

std::span<const Family* const> all_families();
const Family* find_family(std::string_view architecture);  // null = none
std::string family_names();                                // "'llama', 'qwen3'": for messages

// The layer of Llama, which many share: x + attention(norm(x)), then x + feed_forward(norm(x)), or
// a mixture of experts in its place.
TensorId pre_norm_layer(ModelBuilder& b, const LayerSpec& spec, TensorId x);

extern const Family kGemma, kGemma3, kLlama, kQwen2, kQwen3, kQwen3Moe;

}  // namespace mneme
