// SPDX-License-Identifier: Apache-2.0
#include "tests/support/hub_folder.h"

#include <fmt/format.h>

#include <cstring>
#include <filesystem>
#include <fstream>

#include "base/check.h"
#include "gpu/tensor.h"
#include "inference/families/family.h"
#include "inference/files/hub_tensors.h"

namespace mneme {
namespace {

std::int64_t number(const GgufFile& file, const std::string& key) {
  const auto value = file.metadata().require<std::int64_t>("llama." + key);
  CHECK(value.has_value());
  return *value;
}

double real(const GgufFile& file, const std::string& key) {
  const auto value = file.metadata().require<double>("llama." + key);
  CHECK(value.has_value());
  return *value;
}

std::string shard_name(std::size_t shard, std::size_t shards) {
  return fmt::format("model-{:05}-of-{:05}.safetensors", shard + 1, shards);
}

// Row `row` of a head of a GGUF, where the two of a pair are neighbours, as the model has it, where
// they are in two halves.
std::size_t trained_row(std::size_t row, std::size_t head_dim) {
  const std::size_t head = row / head_dim * head_dim;
  const std::size_t in_head = row % head_dim;
  return head + in_head % 2 * (head_dim / 2) + in_head / 2;
}

}  // namespace

std::string safetensors_file(const SafetensorsEntries& tensors, std::size_t pad) {
  nlohmann::json header = nlohmann::json::object();
  std::string data;
  for (const auto& [name, tensor] : tensors) {
    const std::size_t begin = data.size();
    data += tensor.bytes;
    header[name] = {
        {"dtype", tensor.dtype}, {"shape", tensor.shape}, {"data_offsets", {begin, data.size()}}};
  }
  std::string text = header.dump();
  text.resize((text.size() + 7) / 8 * 8 + pad, ' ');
  const std::uint64_t size = text.size();
  std::string file(sizeof size, '\0');
  std::memcpy(file.data(), &size, sizeof size);
  return file + text + data;
}

void write_file(const std::string& path, std::string_view text) {
  std::ofstream(path, std::ios::binary) << text;
}

void HubModel::write(const std::string& folder) const {
  std::filesystem::create_directories(folder);
  write_file(folder + "/config.json", config.dump(1));
  write_file(folder + "/model.safetensors", safetensors_file(tensors));
}

void HubModel::write_sharded(const std::string& folder, std::size_t shards) const {
  std::filesystem::create_directories(folder);
  write_file(folder + "/config.json", config.dump(1));
  std::vector<SafetensorsEntries> dealt(shards);
  nlohmann::json map = nlohmann::json::object();
  std::size_t next = 0;
  for (const auto& [name, tensor] : tensors) {
    map[name] = shard_name(next, shards);
    dealt[next].emplace(name, tensor);
    next = (next + 1) % shards;
  }
  for (std::size_t shard = 0; shard < shards; ++shard) {
    write_file(folder + "/" + shard_name(shard, shards), safetensors_file(dealt[shard]));
  }
  write_file(folder + "/model.safetensors.index.json",
             nlohmann::json{{"metadata", {{"total_size", 0}}}, {"weight_map", map}}.dump(1));
}

void write_hub_tokenizer(const GgufFile& file, const std::string& folder) {
  const Metadata& metadata = file.metadata();
  const auto tokens = *metadata.require_array<std::string_view>("tokenizer.ggml.tokens");
  const auto types = *metadata.require_array<std::int32_t>("tokenizer.ggml.token_type");
  nlohmann::json vocabulary = nlohmann::json::object();
  nlohmann::json added = nlohmann::json::array();
  constexpr std::int32_t kControl = 3;
  for (std::size_t id = 0; id < tokens.size(); ++id) {
    if (types[id] == kControl) {
      added.push_back({{"id", id}, {"content", tokens[id]}, {"special", true}});
    } else {
      vocabulary[std::string(tokens[id])] = id;
    }
  }
  const nlohmann::json bytes = {{"type", "ByteLevel"}, {"add_prefix_space", false}};
  const nlohmann::json tokenizer = {
      {"added_tokens", added},
      {"pre_tokenizer", bytes},
      {"decoder", bytes},
      {"model",
       {{"type", "BPE"},
        {"vocab", vocabulary},
        {"merges", *metadata.require_array<std::string_view>("tokenizer.ggml.merges")}}}};
  write_file(folder + "/tokenizer.json", tokenizer.dump());
  const auto name_of = [&](const char* key) {
    return tokens[*metadata.require<std::uint32_t>(key)];
  };
  const nlohmann::json settings = {
      {"bos_token", name_of("tokenizer.ggml.bos_token_id")},
      {"eos_token", {{"content", name_of("tokenizer.ggml.eos_token_id")}}},
      {"add_bos_token", false},
      {"chat_template", *metadata.require<std::string_view>("tokenizer.chat_template")}};
  write_file(folder + "/tokenizer_config.json", settings.dump());
}

HubModel hub_model_of(const GgufFile& file) {
  HubModel model;
  const std::int64_t heads = number(file, "attention.head_count");
  const std::int64_t width = number(file, "embedding_length");
  model.config = {
      {"architectures", {"LlamaForCausalLM"}},
      {"model_type", "llama"},
      {"hidden_act", "silu"},
      {"hidden_size", width},
      {"intermediate_size", number(file, "feed_forward_length")},
      {"max_position_embeddings", number(file, "context_length")},
      {"num_attention_heads", heads},
      {"num_hidden_layers", number(file, "block_count")},
      {"num_key_value_heads", number(file, "attention.head_count_kv")},
      {"rms_norm_eps", real(file, "attention.layer_norm_rms_epsilon")},
      {"rope_theta", real(file, "rope.freq_base")},
      {"tie_word_embeddings", true},
      {"vocab_size", file.find_tensor("token_embd.weight")->dims[1]},
  };
  const auto head_dim = static_cast<std::size_t>(width / heads);
  for (const GgufTensor& tensor : file.tensors()) {
    const auto cols = static_cast<std::size_t>(tensor.dims[0]);
    const auto rows = static_cast<std::size_t>(tensor.dims[1]);
    const bool rotates =
        tensor.name.ends_with("attn_q.weight") || tensor.name.ends_with("attn_k.weight");
    std::vector<float> values(rows * cols);
    const std::size_t stride = row_bytes(*tensor.dtype, static_cast<std::int64_t>(cols));
    for (std::size_t row = 0; row < rows; ++row) {
      const std::size_t to = rotates ? trained_row(row, head_dim) : row;
      dequantize_row(*tensor.dtype, tensor.bytes.data() + row * stride,
                     static_cast<std::int64_t>(cols), values.data() + to * cols);
    }
    SafetensorsEntry entry{"F32", {}, {}};
    if (tensor.dim_count > 1) entry.shape.push_back(rows);
    entry.shape.push_back(cols);
    entry.bytes.assign(reinterpret_cast<const char*>(values.data()), values.size() * sizeof(float));
    model.tensors.emplace(hub_tensor_name(tensor.name, kLlama.hub), std::move(entry));
  }
  return model;
}

}  // namespace mneme
