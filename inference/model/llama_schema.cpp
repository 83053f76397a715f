// SPDX-License-Identifier: Apache-2.0
#include "inference/model/llama_schema.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cmath>
#include <map>
#include <optional>
#include <span>
#include <vector>

#include "base/printable.h"
#include "inference/model/gguf_setting.h"

namespace mneme {
namespace {

// --- keys ---------------------------------------------------------------------------------------

// What ModelConfig reads, and what says nothing about how a dense model with one kind of attention
// computes: sizes of experts and windows, of which there are none, and where the weights are from.
constexpr std::array kTakenKeys = std::to_array<std::string_view>({
    "attention.head_count",
    "attention.head_count_kv",
    "attention.key_length",
    "attention.key_length_swa",
    "attention.layer_norm_epsilon",
    "attention.layer_norm_rms_epsilon",
    "attention.sliding_window_pattern",
    "attention.value_length",
    "attention.value_length_swa",
    "block_count",
    "context_length",
    "embedding_length",
    "expert_feed_forward_length",
    "expert_gating_func",
    "expert_group_count",
    "expert_group_used_count",
    "expert_shared_count",
    "expert_shared_feed_forward_length",
    "expert_used_count",
    "expert_weights_norm",
    "expert_weights_scale",
    "feed_forward_length",
    "interleave_moe_layer_step",
    "leading_dense_block_count",
    "moe_every_n_layers",
    "nextn_predict_layers",
    "rope.dimension_count",
    "rope.dimension_count_swa",
    "rope.freq_base",
    "rope.freq_base_swa",
    "rope.scale_linear",
    "rope.scaling.factor",
    "rope.scaling.finetuned",
    "rope.scaling.original_context_length",
    "rope.scaling.type",
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

bool is_harmless(const GgufFile& file, const GgufEntry& entry, std::string_view key,
                 const ModelConfig& c) {
  if (std::ranges::find(kTakenKeys, key) != kTakenKeys.end()) return true;
  const std::vector<double> numbers = setting_numbers(file, entry);
  for (const NeutralKey& neutral : kNeutralKeys) {
    if (neutral.key == key) return all_are(numbers, {neutral.values[0], neutral.values[1]});
  }
  if (key == "attention.scale") {
    const double usual = 1 / std::sqrt(static_cast<double>(c.head_dim));
    return all_are(numbers, {0}) ||
           (numbers.size() == 1 && std::abs(numbers[0] - usual) < 1e-6 * usual);
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

// --- tensors ------------------------------------------------------------------------------------

struct LeftOut {
  std::string_view part;
  std::string_view prefix;  // of the tensor's name
  std::string_view within;  // of the rest; "" = anything
};
constexpr std::array kLeftOut = std::to_array<LeftOut>({
    {"a vision tower", "v.", ""},
    {"an audio tower", "a.", ""},
    {"a projector of images or sound", "mm.", ""},
    {"a draft head", "mtp.", ""},
    {"a draft head", "nextn.", ""},
    {"rotary tables, which are computed", "blk.", ".attn_rot_embd."},
    {"an importance matrix", "", ".in_sum2"},
    {"an importance matrix", "", ".counts"},
});

// Of the draft layers, which lie behind the others.
bool is_draft(std::string_view tensor, const ModelConfig& c) {
  for (std::int64_t i = c.n_layers; i < c.n_layers + c.draft_layers; ++i) {
    if (tensor.starts_with(fmt::format("blk.{}.", i))) return true;
  }
  return false;
}

std::optional<std::string_view> left_out_part(std::string_view tensor, const ModelConfig& config) {
  if (is_draft(tensor, config)) return "a draft head";
  for (const LeftOut& rule : kLeftOut) {
    if (!tensor.starts_with(rule.prefix)) continue;
    if (tensor.substr(rule.prefix.size()).find(rule.within) != std::string_view::npos) {
      return rule.part;
    }
  }
  return std::nullopt;
}

}  // namespace

Status check_model_keys(const GgufFile& file, const ModelConfig& config) {
  constexpr std::string_view kPrefix = "llama.";
  for (const GgufEntry& entry : file.entries()) {
    if (!entry.key.starts_with(kPrefix)) continue;
    if (is_harmless(file, entry, entry.key.substr(kPrefix.size()), config)) continue;
    return setting_not_computed(file, entry);
  }
  return {};
}

Result<std::string> check_model_tensors(const GgufFile& file, const ModelConfig& config,
                                        const TensorNames& bound) {
  std::map<std::string_view, std::int64_t> left_out;  // tensors of each part
  for (const GgufTensor& tensor : file.tensors()) {
    if (bound.contains(tensor.name)) continue;
    const auto part = left_out_part(tensor.name, config);
    if (!part) {
      return Error{ErrorCode::unsupported,
                   fmt::format("{} has the tensor {}, which Mneme does not compute with: its "
                               "answers would be wrong",
                               file.name(), printable(tensor.name))};
    }
    ++left_out[*part];
  }
  std::vector<std::string> words;
  for (const auto& [part, count] : left_out) {
    words.push_back(fmt::format("{} tensor{} of {}", count, count == 1 ? "" : "s", part));
  }
  return fmt::format("{}", fmt::join(words, ", "));
}

}  // namespace mneme
