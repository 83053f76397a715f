// SPDX-License-Identifier: Apache-2.0
#include "inference/families/config_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <numbers>
#include <utility>

#include "base/printable.h"
#include "inference/families/unread_keys.h"
#include "inference/files/file_error.h"
#include "inference/files/metadata_setting.h"

namespace mneme {
namespace {

// Bounds that no real model passes; beyond them a file is broken, not large.
constexpr std::int64_t kLayersMax = 1024;
constexpr std::int64_t kWidthMax = 1 << 20;
constexpr std::int64_t kExpertsMax = 4096;
constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr std::string_view kFactors = "rope_freqs.weight";

}  // namespace

ConfigReader::ConfigReader(const ModelSource& source) : source_(source) {
  auto architecture = source.metadata().require<std::string_view>("general.architecture");
  if (!architecture) {
    fail(architecture.error());
    return;
  }
  prefix_ = fmt::format("{}.", *architecture);
}

void ConfigReader::fail(Error error) {
  if (status_) status_ = std::move(error);
}

std::string ConfigReader::key_of(std::string_view key) {
  read_.emplace(key);
  return fmt::format("{}{}", prefix_, key);
}

std::string_view ConfigReader::shown(std::string_view name) const {
  return source_.metadata().name_in_file(name);
}

bool ConfigReader::has(std::string_view key) {
  return source_.metadata().find_entry(key_of(key)) != nullptr;
}

template <class T>
T ConfigReader::value_or(std::string_view key, T fallback) {
  auto value = source_.metadata().find<T>(key_of(key));
  if (value) return value->value_or(fallback);
  fail(value.error());
  return fallback;
}

std::int64_t ConfigReader::count(std::string_view key, std::int64_t max) {
  const std::string name = key_of(key);
  auto value = source_.metadata().require<std::int64_t>(name);
  if (!value) {
    fail(value.error());
    return 1;
  }
  if (*value >= 1 && *value <= max) return *value;
  fail(corrupt(source_.name(),
               fmt::format("{} is {}, which is outside 1 to {}", shown(name), *value, max)));
  return 1;
}

std::int64_t ConfigReader::width(std::string_view key) {
  return count(key, kWidthMax);
}

std::int64_t ConfigReader::width_of_layers(std::string_view key, std::int64_t layers) {
  const std::string name = key_of(key);
  const MetadataEntry* entry = source_.metadata().find_entry(name);
  if (entry == nullptr || entry->type != MetadataType::array) return width(key);
  auto values = source_.metadata().require_array<std::int64_t>(name);
  if (!values) {
    fail(values.error());
    return 1;
  }
  if (static_cast<std::int64_t>(values->size()) != layers) {
    fail(corrupt(source_.name(), fmt::format("{} has {} values for {} layers", shown(name),
                                             values->size(), layers)));
    return 1;
  }
  const std::int64_t first = values->front();
  if (std::ranges::any_of(*values, [&](std::int64_t value) { return value != first; })) {
    fail(Error{ErrorCode::unsupported,
               fmt::format("{} has layers that differ in {}; Mneme runs models whose layers are "
                           "alike",
                           source_.name(), shown(name))});
    return 1;
  }
  if (first >= 1 && first <= kWidthMax) return first;
  fail(corrupt(source_.name(),
               fmt::format("{} is {}, which is outside 1 to {}", shown(name), first, kWidthMax)));
  return 1;
}

std::int64_t ConfigReader::integer_or(std::string_view key, std::int64_t fallback) {
  return value_or(key, fallback);
}

float ConfigReader::positive(std::string_view key, float end) {
  const std::string name = key_of(key);
  auto value = source_.metadata().require<float>(name);
  if (!value) {
    fail(value.error());
    return 1;
  }
  if (*value > 0 && *value < end) return *value;
  fail(corrupt(source_.name(),
               fmt::format("{} is {}, which is no number above 0{}", shown(name), *value,
                           std::isinf(end) ? "" : fmt::format(" and below {}", end))));
  return 1;
}

float ConfigReader::positive_or(std::string_view key, float fallback) {
  return has(key) ? positive(key, kInfinity) : fallback;
}

float ConfigReader::number_or(std::string_view key, float fallback) {
  return value_or(key, fallback);
}

std::string ConfigReader::text_or(std::string_view key, std::string_view fallback) {
  return std::string(value_or(key, fallback));
}

void ConfigReader::experts(ModelConfig& c, bool normalise) {
  ExpertsSpec e;
  e.count = count("expert_count", kExpertsMax);
  e.chosen = count("expert_used_count", e.count);
  e.hidden = has("expert_feed_forward_length") ? width("expert_feed_forward_length")
                                               : c.layers.front().feed_forward.hidden;
  e.normalise = value_or("expert_weights_norm", normalise);
  const float scale = number_or("expert_weights_scale", 0.0f);
  e.scale = scale == 0.0f ? 1.0f : scale;
  const auto only = [&](std::string_view key, std::int64_t usual, std::int64_t fallback) {
    const std::int64_t value = integer_or(key, fallback);
    if (value == usual || value == fallback) return;
    fail(Error{ErrorCode::unsupported,
               fmt::format("{} has {} = {}, which Mneme does not compute with in this family",
                           source_.name(), shown(key_of(key)), value)});
  };
  only("expert_gating_func", 1, 0);  // soft-max
  only("expert_group_count", 1, 0);
  only("expert_shared_count", 0, 0);
  only("leading_dense_block_count", 0, 0);
  if (e.chosen > kWidthMax / e.hidden || e.chosen > kWidthMax / c.dim) {
    fail(corrupt(source_.name(), "the sizes of its experts make no sense"));
    return;
  }
  for (LayerSpec& layer : c.layers) layer.experts = e;
}

std::int64_t ConfigReader::layers(ModelConfig& c) {
  const std::int64_t blocks = count("block_count", kLayersMax);
  c.draft_layers = integer_or("nextn_predict_layers", 0);
  if (c.draft_layers >= 0 && c.draft_layers < blocks) return blocks;
  fail(corrupt(source_.name(), fmt::format("{}nextn_predict_layers is {} of {} layers", prefix_,
                                           c.draft_layers, blocks)));
  c.draft_layers = 0;
  return 1;
}

AttentionSpec ConfigReader::attention(std::int64_t dim, std::int64_t layers) {
  AttentionSpec a;
  a.heads = width_of_layers("attention.head_count", layers);
  a.kv_heads =
      has("attention.head_count_kv") ? width_of_layers("attention.head_count_kv", layers) : a.heads;
  a.head_dim = integer_or("attention.key_length", dim / a.heads);
  const std::int64_t value_dim = integer_or("attention.value_length", a.head_dim);
  if (a.kv_heads > a.heads || a.head_dim < 1 || a.head_dim > kWidthMax ||
      a.heads > kWidthMax / a.head_dim) {
    fail(corrupt(source_.name(), "the numbers of heads contradict each other"));
    return {1, 1, 1, 0};
  }
  if (value_dim != a.head_dim) {
    fail(Error{ErrorCode::unsupported,
               fmt::format("{} has keys of {} and values of {} numbers; Mneme needs them equal",
                           source_.name(), a.head_dim, value_dim)});
  }
  return a;
}

// Empty where the file has none.
std::vector<float> ConfigReader::stored_factors(std::int64_t count) {
  const SourceTensor* tensor = source_.find_tensor(kFactors);
  if (tensor == nullptr) return {};
  if (tensor->dtype != DType::f32) {
    fail(Error{ErrorCode::unsupported,
               fmt::format("{}: tensor {} has the type {}; Mneme needs it as F32", source_.name(),
                           kFactors, tensor->type_name)});
    return {};
  }
  if (tensor->dims != std::array<std::uint64_t, 4>{static_cast<std::uint64_t>(count), 1, 1, 1}) {
    fail(corrupt(source_.name(), fmt::format("tensor {} is {} x {}, but the model needs 1 x {}",
                                             kFactors, tensor->dims[1], tensor->dims[0], count)));
    return {};
  }
  std::vector<float> factors(static_cast<std::size_t>(count));
  std::memcpy(factors.data(), tensor->bytes.data(), factors.size() * sizeof(float));
  for (std::size_t i = 0; i < factors.size(); ++i) {
    if (factors[i] > 0 && std::isfinite(factors[i])) continue;
    fail(corrupt(source_.name(), fmt::format("value {} of {} is {}, not a number above 0", i,
                                             kFactors, factors[i])));
    return {};
  }
  return factors;
}

void ConfigReader::scale_linearly(float scale, RopeSpec& rope) const {
  if (scale == 1.0f) return;
  if (rope.factors.empty()) rope.factors.resize(static_cast<std::size_t>(rope.dims / 2), 1.0f);
  for (float& factor : rope.factors) factor *= scale;
}

// YaRN (arXiv 2309.00071, sections 3.2 to 3.4): frequencies that turn less than beta_slow times in
// the context that the model was made for are divided by the scale, those that turn more than
// beta_fast times stay, and between them is a ramp. As transformers computes it.
void ConfigReader::scale_by_yarn(float scale, RopeSpec& rope) {
  const std::int64_t context = count("rope.scaling.original_context_length");
  const double fast = static_cast<double>(positive_or("rope.scaling.yarn_beta_fast", 32.0f));
  const double slow = static_cast<double>(positive_or("rope.scaling.yarn_beta_slow", 1.0f));
  const auto dims = static_cast<double>(rope.dims);
  const auto pair_that_turns = [&](double times) {
    return dims * std::log(static_cast<double>(context) / (times * 2 * std::numbers::pi)) /
           (2 * std::log(static_cast<double>(rope.base)));
  };
  const double low = std::max(0.0, std::floor(pair_that_turns(fast)));
  const double high = std::min(dims - 1, std::ceil(pair_that_turns(slow)));
  rope.factors.clear();
  for (std::int64_t i = 0; i < rope.dims / 2; ++i) {
    const double place = (static_cast<double>(i) - low) / std::max(0.001, high - low);
    const double divided = std::clamp(place, 0.0, 1.0);
    rope.factors.push_back(
        static_cast<float>(1 / (divided / static_cast<double>(scale) + (1 - divided))));
  }
  rope.magnitude = static_cast<float>(0.1 * std::log(static_cast<double>(scale)) + 1);
}

// As llama.cpp reads it: a factor without a type is linear, the factor has an old key too, and 0
// means none.
RopeSpec ConfigReader::rope(std::int64_t head_dim, bool halves) {
  RopeSpec rope;
  rope.halves = halves;
  rope.dims = integer_or("rope.dimension_count", head_dim);
  if (rope.dims < 1 || rope.dims > head_dim || rope.dims % 2 != 0) {
    fail(corrupt(source_.name(), fmt::format("RoPE over {} of {} values of a head makes no sense",
                                             rope.dims, head_dim)));
    return rope;
  }
  rope.base = positive_or("rope.freq_base", rope.base);
  rope.factors = stored_factors(rope.dims / 2);
  const std::string type = text_or("rope.scaling.type", "linear");
  const bool old_only = has("rope.scale_linear") && !has("rope.scaling.factor");
  const std::string_view key = old_only ? "rope.scale_linear" : "rope.scaling.factor";
  float scale = number_or(key, 0.0f);
  scale = scale == 0.0f ? 1.0f : positive(key, kInfinity);
  if (type == "linear") {
    scale_linearly(scale, rope);
  } else if (type == "yarn") {
    if (scale > 1.0f) scale_by_yarn(scale, rope);
  } else if (type == "llama3") {  // the factors of each frequency are a tensor
    if (rope.factors.empty()) {
      fail(corrupt(source_.name(),
                   fmt::format("RoPE scaling 'llama3' needs the tensor {}", kFactors)));
    }
  } else if (type != "none") {
    fail(Error{ErrorCode::unsupported,
               fmt::format("{} uses RoPE scaling '{}', which Mneme does not compute",
                           source_.name(), printable(type))});
  }
  return rope;
}

std::int64_t ConfigReader::window(std::int64_t context) {
  if (!has("attention.sliding_window")) return 0;
  const std::int64_t window = count("attention.sliding_window");
  return window < context ? window : 0;
}

std::vector<bool> ConfigReader::windowed_layers(std::int64_t layers, std::int64_t period) {
  const std::string name = key_of("attention.sliding_window_pattern");
  const MetadataEntry* entry = source_.metadata().find_entry(name);
  if (entry != nullptr && entry->type == MetadataType::array) {
    const std::vector<double> flags = setting_numbers(source_.metadata(), *entry);
    if (static_cast<std::int64_t>(flags.size()) == layers) {
      std::vector<bool> windows;
      for (const double flag : flags) windows.push_back(flag != 0);
      return windows;
    }
    fail(corrupt(source_.name(),
                 fmt::format("{} has {} values for {} layers", shown(name), entry->count, layers)));
  }
  if (entry != nullptr && entry->type != MetadataType::array) {
    period = count("attention.sliding_window_pattern", kLayersMax);
  }
  std::vector<bool> windows;
  for (std::int64_t i = 0; i < layers; ++i) windows.push_back((i + 1) % period != 0);
  return windows;
}

void ConfigReader::dense(ModelConfig& c, bool pairs_in_halves) {
  const std::int64_t blocks = layers(c);
  c.dim = width("embedding_length");
  c.context_length = count("context_length");
  c.norm_eps = positive("attention.layer_norm_rms_epsilon", 1.0f);
  LayerSpec layer;
  layer.feed_forward.hidden = width_of_layers("feed_forward_length", blocks);
  layer.attention = attention(c.dim, blocks);
  c.ropes = {rope(layer.attention.head_dim, pairs_in_halves)};
  c.layers.assign(static_cast<std::size_t>(blocks - c.draft_layers), layer);
}

Status ConfigReader::check_unread(const ModelConfig& config) const {
  return check_unread_keys(source_.metadata(), prefix_, read_, config);
}

}  // namespace mneme
