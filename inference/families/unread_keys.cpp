// SPDX-License-Identifier: Apache-2.0
#include "inference/families/unread_keys.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <initializer_list>
#include <vector>

#include "inference/files/metadata_setting.h"

namespace mneme {
namespace {

// What changes nothing in a family that does not read it: sizes of experts and windows, which it
// does not have, and where the weights are from.
constexpr std::array kHarmlessKeys = std::to_array<std::string_view>({
    "attention.key_length_swa",
    "attention.layer_norm_epsilon",
    "attention.sliding_window_pattern",
    "attention.value_length_swa",
    "expert_feed_forward_length",
    "expert_gating_func",
    "expert_group_count",
    "expert_group_used_count",
    "expert_shared_count",
    "expert_shared_feed_forward_length",
    "expert_used_count",
    "expert_weights_norm",
    "expert_weights_scale",
    "interleave_moe_layer_step",
    "leading_dense_block_count",
    "moe_every_n_layers",
    "rope.dimension_count_swa",
    "rope.freq_base_swa",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.yarn_beta_fast",
    "rope.scaling.yarn_beta_slow",
    "rope.scaling.yarn_log_multiplier",
    "tensor_data_layout",
    "vocab_size",
});

// What would change the computation unless it has one of these values.
struct NeutralKey {
  std::string_view key;
  std::array<double, 2> values;
};
constexpr std::array kNeutralKeys = std::to_array<NeutralKey>({
    {"attention.causal", {1, 1}},
    {"attention.clamp_kqv", {0, 0}},
    {"attention.kv_lora_rank", {0, 0}},
    {"attention.max_alibi_bias", {0, 0}},
    {"attention.output_scale", {0, 1}},
    {"attention.q_lora_rank", {0, 0}},
    {"attention.shared_kv_layers", {0, 0}},
    {"attention.temperature_length", {0, 0}},
    {"attention.temperature_scale", {0, 0}},
    {"attention.value_scale", {0, 1}},
    {"attn_logit_softcapping", {0, 0}},
    {"embedding_length_per_layer_input", {0, 0}},
    {"embedding_scale", {0, 1}},
    {"expert_count", {0, 0}},
    {"final_logit_softcapping", {0, 0}},
    {"hyper_connection.count", {0, 1}},
    {"logit_scale", {0, 1}},
    {"n_deepstack_layers", {0, 0}},
    {"pooling_type", {0, -1}},
    {"residual_scale", {0, 1}},
    {"rope.dimension_sections", {0, 0}},
    {"rope.scaling.alpha", {0, 1}},
    {"rope.scaling.attn_factor", {1, 1}},
    {"rope.scaling.yarn_attn_factor", {1, 1}},
    {"rope.scaling.yarn_ext_factor", {0, -1}},
    {"router_logit_softcapping", {0, 0}},
    {"swiglu_clamp_exp", {0, 0}},
    {"swiglu_clamp_shexp", {0, 0}},
    {"use_parallel_residual", {0, 0}},
});

bool all_are(const std::vector<double>& numbers, std::initializer_list<double> values) {
  return !numbers.empty() && std::ranges::all_of(numbers, [&](double number) {
    return std::ranges::find(values, number) != values.end();
  });
}

bool is_usual_scale(const std::vector<double>& numbers, const LayerSpec& layer) {
  const double usual = 1 / std::sqrt(static_cast<double>(layer.attention.head_dim));
  return all_are(numbers, {0}) ||
         (numbers.size() == 1 && std::abs(numbers[0] - usual) < 1e-6 * usual);
}

bool is_harmless(const Metadata& file, const MetadataEntry& entry, std::string_view key,
                 const ModelConfig& c) {
  if (std::ranges::find(kHarmlessKeys, key) != kHarmlessKeys.end()) return true;
  const std::vector<double> numbers = setting_numbers(file, entry);
  for (const NeutralKey& neutral : kNeutralKeys) {
    if (neutral.key == key) return all_are(numbers, {neutral.values[0], neutral.values[1]});
  }
  if (key == "attention.scale") {
    return std::ranges::all_of(
        c.layers, [&](const LayerSpec& layer) { return is_usual_scale(numbers, layer); });
  }
  if (key == "attention.sliding_window") {
    // A window that no context leaves.
    return numbers.size() == 1 &&
           (numbers[0] == 0 || numbers[0] >= static_cast<double>(c.context_length));
  }
  if (key == "embedding_length_out") return all_are(numbers, {0, static_cast<double>(c.dim)});
  if (key == "hidden_activation") {
    const auto text = file.find<std::string_view>(entry.key);
    return text && (**text == "silu" || **text == "swish");
  }
  return false;
}

}  // namespace

Status check_unread_keys(const Metadata& file, std::string_view prefix,
                         const std::set<std::string, std::less<>>& read,
                         const ModelConfig& config) {
  for (const MetadataEntry& entry : file.entries()) {
    if (!entry.key.starts_with(prefix)) continue;
    const std::string_view key = entry.key.substr(prefix.size());
    if (read.contains(key) || is_harmless(file, entry, key, config)) continue;
    return setting_not_computed(file, entry);
  }
  return {};
}

}  // namespace mneme
