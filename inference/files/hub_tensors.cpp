// SPDX-License-Identifier: Apache-2.0
#include "inference/files/hub_tensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>

namespace mneme {
namespace {

constexpr std::array kWholeNames = std::to_array<HubTensorName>({
    {"model.embed_tokens", "token_embd"},
    {"model.norm", "output_norm"},
    {"lm_head", "output"},
});

constexpr std::array kLayerNames = std::to_array<HubTensorName>({
    {"input_layernorm", "attn_norm"},
    {"mlp.down_proj", "ffn_down"},
    {"mlp.gate_proj", "ffn_gate"},
    {"mlp.up_proj", "ffn_up"},
    {"post_attention_layernorm", "ffn_norm"},
    {"self_attn.k_norm", "attn_k_norm"},
    {"self_attn.k_proj", "attn_k"},
    {"self_attn.o_proj", "attn_output"},
    {"self_attn.q_norm", "attn_q_norm"},
    {"self_attn.q_proj", "attn_q"},
    {"self_attn.rotary_emb", "attn_rot_embd"},
    {"self_attn.v_proj", "attn_v"},
});

// Where the text of a model that also sees lies, and what lies beside it.
constexpr std::array kPrefixes = std::to_array<HubTensorName>({
    {"language_model.lm_head.", "lm_head."},
    {"language_model.model.", "model."},
    {"model.language_model.", "model."},
    {"model.multi_modal_projector.", "mm."},
    {"model.vision_tower.", "v."},
    {"model.visual.", "v."},
    {"multi_modal_projector.", "mm."},
    {"vision_tower.", "v."},
    {"visual.", "v."},
});

constexpr std::string_view kHubLayers = "model.layers.";
constexpr std::string_view kGgufLayers = "blk.";

struct LayerName {
  std::string_view number;
  std::string_view part;  // without the last word
  std::string_view last;  // ".weight"
};

std::string_view without_last(std::string_view name, std::string_view& last) {
  const std::size_t point = name.rfind('.');
  last = point == std::string_view::npos ? "" : name.substr(point);
  return name.substr(0, point);
}

// "3.self_attn.q_proj.weight" behind `prefix`.
std::optional<LayerName> parse_layer(std::string_view name, std::string_view prefix) {
  if (!name.starts_with(prefix)) return std::nullopt;
  name.remove_prefix(prefix.size());
  const std::size_t point = name.find('.');
  if (point == 0 || point == std::string_view::npos) return std::nullopt;
  const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
  LayerName layer;
  layer.number = name.substr(0, point);
  if (!std::ranges::all_of(layer.number, is_digit)) return std::nullopt;
  layer.part = without_last(name.substr(point + 1), layer.last);
  return layer;
}

}  // namespace

std::string gguf_tensor_name(std::string_view hub, const HubFamily& family) {
  std::string name(hub);
  for (const HubTensorName& prefix : kPrefixes) {
    if (!name.starts_with(prefix.hub)) continue;
    name.replace(0, prefix.hub.size(), prefix.gguf);
    break;
  }
  if (const auto layer = parse_layer(name, kHubLayers)) {
    for (const auto names : {family.tensors, std::span<const HubTensorName>(kLayerNames)}) {
      const auto known = std::ranges::find(names, layer->part, &HubTensorName::hub);
      if (known == names.end()) continue;
      return fmt::format("{}{}.{}{}", kGgufLayers, layer->number, known->gguf, layer->last);
    }
    return name;
  }
  std::string_view last;
  const std::string_view whole = without_last(name, last);
  const auto known = std::ranges::find(kWholeNames, whole, &HubTensorName::hub);
  return known == kWholeNames.end() ? name : fmt::format("{}{}", known->gguf, last);
}

std::string hub_tensor_name(std::string_view gguf, const HubFamily& family) {
  if (const auto layer = parse_layer(gguf, kGgufLayers)) {
    for (const auto names : {family.tensors, std::span<const HubTensorName>(kLayerNames)}) {
      const auto known = std::ranges::find(names, layer->part, &HubTensorName::gguf);
      if (known == names.end()) continue;
      return fmt::format("{}{}.{}{}", kHubLayers, layer->number, known->hub, layer->last);
    }
  }
  std::string_view last;
  const std::string_view whole = without_last(gguf, last);
  const auto known = std::ranges::find(kWholeNames, whole, &HubTensorName::gguf);
  return known == kWholeNames.end() ? std::string(gguf) : fmt::format("{}{}", known->hub, last);
}

}  // namespace mneme
