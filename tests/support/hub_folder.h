// SPDX-License-Identifier: Apache-2.0
// Folders as the Hugging Face hub holds models, made from a tiny GGUF, with what a test wants
// changed in them.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "inference/files/gguf.h"

namespace mneme {

struct SafetensorsEntry {
  std::string dtype;
  std::vector<std::uint64_t> shape;
  std::string bytes;
};
using SafetensorsEntries = std::map<std::string, SafetensorsEntry>;

// A whole file of them. `pad`: spaces behind the header, which move the data.
std::string safetensors_file(const SafetensorsEntries& tensors, std::size_t pad = 0);

struct HubModel {
  nlohmann::json config;
  SafetensorsEntries tensors;

  void write(const std::string& folder) const;  // config.json and model.safetensors
  // In so many files with an index, tensors dealt out in turn.
  void write_sharded(const std::string& folder, std::size_t shards) const;
};

// `file`, a Llama, as transformers would have saved it: F32, rows of queries and keys in the order
// that the model was trained with, the output tied to the embedding.
HubModel hub_model_of(const GgufFile& file);

// The byte-level vocabulary of `file`, and its chat template, as tokenizer.json and
// tokenizer_config.json in `folder`.
void write_hub_tokenizer(const GgufFile& file, const std::string& folder);

void write_file(const std::string& path, std::string_view text);

}  // namespace mneme
