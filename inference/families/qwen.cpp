// SPDX-License-Identifier: Apache-2.0
// Qwen 2 and Qwen 3: built like Llama, with rotary pairs in halves; Qwen 2 with biases of queries,
// keys and values, Qwen 3 with norms of the heads of queries and keys; the large Qwen 3 with a
// mixture of experts in every layer.
#include "inference/families/family.h"

namespace mneme {
namespace {

constexpr std::string_view kQwen2Types[] = {"qwen2"};
constexpr std::string_view kQwen3Types[] = {"qwen3"};
constexpr std::string_view kQwen2Defaults =
    R"({"rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": false})";
constexpr std::string_view kQwen3Defaults =
    R"({"rms_norm_eps": 1e-6, "rope_theta": 10000.0, "tie_word_embeddings": false,
        "head_dim": 128})";

void read(ConfigReader& file, ModelConfig& c, bool norm_heads) {
  file.dense(c, true);
  for (LayerSpec& layer : c.layers) layer.attention.norm_heads = norm_heads;
}

void read_qwen2(ConfigReader& file, ModelConfig& c) {
  read(file, c, false);
}
void read_qwen3(ConfigReader& file, ModelConfig& c) {
  read(file, c, true);
}

void read_qwen3_moe(ConfigReader& file, ModelConfig& c) {
  read(file, c, true);
  file.experts(c, true);
}

}  // namespace

const Family kQwen2{"qwen2", read_qwen2, pre_norm_layer, {kQwen2Types, kQwen2Defaults, kSiluNames}};
const Family kQwen3{"qwen3", read_qwen3, pre_norm_layer, {kQwen3Types, kQwen3Defaults, kSiluNames}};
const Family kQwen3Moe{"qwen3moe", read_qwen3_moe, pre_norm_layer, {}};

}  // namespace mneme
