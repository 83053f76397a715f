// SPDX-License-Identifier: Apache-2.0
#include "inference/files/hub_config.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cstring>
#include <map>
#include <nlohmann/json.hpp>
#include <utility>

#include "base/printable.h"
#include "inference/files/file_error.h"
#include "inference/files/json_text.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

enum class Kind : std::uint8_t { integer, real };
struct NamedKey {
  std::string_view setting;
  std::string_view key;
  Kind kind;
};
constexpr std::array kNames = std::to_array<NamedKey>({
    {"attn_logit_softcapping", "attn_logit_softcapping", Kind::real},
    {"final_logit_softcapping", "final_logit_softcapping", Kind::real},
    {"head_dim", "attention.key_length", Kind::integer},
    {"hidden_size", "embedding_length", Kind::integer},
    {"intermediate_size", "feed_forward_length", Kind::integer},
    {"max_position_embeddings", "context_length", Kind::integer},
    {"num_attention_heads", "attention.head_count", Kind::integer},
    {"num_hidden_layers", "block_count", Kind::integer},
    {"num_key_value_heads", "attention.head_count_kv", Kind::integer},
    {"rms_norm_eps", "attention.layer_norm_rms_epsilon", Kind::real},
    {"vocab_size", "vocab_size", Kind::integer},
});

// What changes nothing about the tokens that follow: how the model was trained, which classes and
// programs it is meant for, what tensors or the tokenizer tell by themselves. A name with a point
// at its end stands for all settings in that object.
constexpr std::array kHarmless = std::to_array<std::string_view>({
    "_attn_implementation",
    "_name_or_path",
    "architectures",
    "attention_bias",  // check_biases(), where hub_source.cpp has the tensors
    "attention_dropout",
    "attn_implementation",
    "bos_token_id",
    "cache_implementation",
    "dtype",
    "eos_token_id",
    "hidden_dropout",
    "id2label.",
    "initializer_range",
    "is_llama_config",
    "label2id.",
    "max_window_layers",  // of windows, which use_sliding_window switches
    "mlp_bias",
    "model_type",
    "pad_token_id",
    "pretraining_tp",  // in how many parts products were computed
    "tie_word_embeddings",
    "torch_dtype",
    "transformers.js_config.",
    "transformers_version",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_cache",
});

// Beside the text of a model that also sees: of the other part, or how it is joined on.
constexpr std::array kOfOtherParts = std::to_array<std::string_view>({
    "audio_config.",
    "audio_token_id",
    "boi_token_id",
    "boi_token_index",
    "eoi_token_id",
    "eoi_token_index",
    "image_token_id",
    "image_token_index",
    "mm_tokens_per_image",
    "video_token_id",
    "vision_config.",
    "vision_end_token_id",
    "vision_start_token_id",
    "vision_token_id",
});

// What would change the computation unless it has this value.
struct Neutral {
  std::string_view setting;
  double value;
};
constexpr std::array kNeutral = std::to_array<Neutral>({
    {"num_experts", 0},
    {"num_local_experts", 0},
    {"partial_rotary_factor", 1},
    {"rope_interleaved", 0},
    {"use_bidirectional_attention", 0},
    {"use_mrope", 0},
    {"use_sliding_window", 0},
});

bool is_on(std::string_view setting, std::span<const std::string_view> list) {
  return std::ranges::any_of(list, [&](std::string_view entry) {
    return entry.ends_with('.') ? setting.starts_with(entry) : setting == entry;
  });
}

std::optional<double> as_number(const Json& value) {
  if (value.is_boolean()) return value.get<bool>() ? 1.0 : 0.0;
  if (value.is_number()) return value.get<double>();
  return std::nullopt;
}

bool is_neutral(std::string_view setting, const Json& value) {
  // RoPE may have one for each kind of layer.
  const std::string_view last = setting.substr(setting.rfind('.') + 1);
  const auto known = std::ranges::find_if(kNeutral, [&](const Neutral& neutral) {
    return neutral.setting == setting ||
           (setting.starts_with("rope_parameters.") && neutral.setting == last);
  });
  return known != kNeutral.end() && as_number(value) == known->value;
}

template <class T>
std::string bytes_of(T value) {
  std::string bytes(sizeof value, '\0');
  std::memcpy(bytes.data(), &value, sizeof value);
  return bytes;
}

using Settings = std::map<std::string, Json, std::less<>>;

// Every setting that is neither an object nor null, by its whole name.
void flatten(const Json& json, const std::string& prefix, Settings& into) {
  for (const auto& [key, value] : json.items()) {
    const std::string name = prefix + key;
    if (value.is_object()) {
      flatten(value, name + ".", into);
    } else if (!value.is_null()) {
      into.emplace(name, value);
    }
  }
}

std::string known_model_types() {
  std::string types;
  for (const Family* family : all_families()) {
    for (const std::string_view type : family->hub.model_types) {
      types += fmt::format("{}'{}'", types.empty() ? "" : ", ", type);
    }
  }
  return types;
}

std::string type_of(const Json& config) {
  const auto type = config.find("model_type");
  return type != config.end() && type->is_string() ? type->get<std::string>() : "";
}

const Family* find_hub_family(std::string_view model_type) {
  const auto found = std::ranges::find_if(all_families(), [&](const Family* family) {
    return std::ranges::find(family->hub.model_types, model_type) != family->hub.model_types.end();
  });
  return found == all_families().end() ? nullptr : *found;
}

}  // namespace

struct HubConfig::Values {
  Settings settings;
  Settings defaults;
  const Json* find(std::string_view setting) const {
    for (const auto* map : {&settings, &defaults}) {
      if (const auto found = map->find(setting); found != map->end()) return &found->second;
    }
    return nullptr;
  }
};

HubConfig::HubConfig(std::string_view text, std::string name)
    : values_(std::make_unique<Values>()), name_(std::move(name)), metadata_(name_) {
  auto json = parse_json_object(text, name_ + "/config.json");
  if (!json) {
    fail(json.error());
    return;
  }
  // A model that also sees has its text's settings in an object of their own.
  const auto nested = json->find("text_config");
  const bool has_parts = nested != json->end() && nested->is_object();
  const Json& model = has_parts ? *nested : *json;
  std::string model_type = type_of(model);
  if (model_type.empty()) model_type = type_of(*json);
  family_ = find_hub_family(model_type);
  if (family_ == nullptr) {
    fail(Error{ErrorCode::unsupported,
               fmt::format("{} has the model type '{}'; Mneme runs models of the types {}", name_,
                           printable(model_type), known_model_types())});
    return;
  }
  flatten(model, "", values_->settings);
  flatten(Json::parse(family_->hub.defaults), "", values_->defaults);
  if (has_parts) {
    Settings outer;
    json->erase("text_config");
    flatten(*json, "", outer);
    for (const auto& [setting, value] : outer) {
      const bool matters = setting == "tie_word_embeddings" ||
                           (!is_on(setting, kOfOtherParts) && !is_on(setting, kHarmless));
      if (!matters) continue;
      values_->settings.try_emplace(setting, value);
    }
  }
  add("general.architecture", MetadataType::string, {}, 1, std::string(family_->name),
      "model_type");
  add("general.name", MetadataType::string, {}, 1, name_, "");
}

HubConfig::~HubConfig() = default;

void HubConfig::fail(Error error) {
  if (problem_) problem_ = std::move(error);
}

void HubConfig::wrong(std::string_view setting, std::string_view wanted) {
  const std::string shown =
      values_->find(setting)->dump(-1, ' ', true, Json::error_handler_t::replace);
  fail(corrupt(name_, fmt::format("{} in config.json should be {}, but is {}", printable(setting),
                                  wanted, printable(shown.substr(0, 80)))));
}

void HubConfig::refuse(std::string_view setting) {
  const Json* value = values_->find(setting);
  const std::string shown =
      value == nullptr ? "" : value->dump(-1, ' ', true, Json::error_handler_t::replace);
  fail(Error{ErrorCode::unsupported,
             fmt::format("{} has the setting {} = {} in config.json, which Mneme does not compute "
                         "with: its answers would be wrong",
                         name_, printable(setting), printable(shown.substr(0, 80)))});
}

bool HubConfig::has(std::string_view setting) const {
  return values_->find(setting) != nullptr;
}

std::optional<std::int64_t> HubConfig::integer(std::string_view setting) {
  const Json* value = values_->find(setting);
  if (value == nullptr) return std::nullopt;
  read_.emplace(setting);
  const bool fits = value->is_number_integer() &&
                    !(value->is_number_unsigned() && value->get<std::uint64_t>() > INT64_MAX);
  if (fits) return value->get<std::int64_t>();
  wrong(setting, "a whole number below 2^63");
  return std::nullopt;
}

std::optional<double> HubConfig::number(std::string_view setting) {
  const Json* value = values_->find(setting);
  if (value == nullptr) return std::nullopt;
  read_.emplace(setting);
  if (value->is_number()) return value->get<double>();
  wrong(setting, "a number");
  return std::nullopt;
}

std::optional<bool> HubConfig::flag(std::string_view setting) {
  const Json* value = values_->find(setting);
  if (value == nullptr) return std::nullopt;
  read_.emplace(setting);
  if (value->is_boolean()) return value->get<bool>();
  wrong(setting, "true or false");
  return std::nullopt;
}

std::optional<std::string> HubConfig::text(std::string_view setting) {
  const Json* value = values_->find(setting);
  if (value == nullptr) return std::nullopt;
  read_.emplace(setting);
  if (value->is_string()) return value->get<std::string>();
  wrong(setting, "text");
  return std::nullopt;
}

std::optional<std::vector<std::string>> HubConfig::texts(std::string_view setting) {
  const Json* value = values_->find(setting);
  if (value == nullptr) return std::nullopt;
  read_.emplace(setting);
  const auto is_text = [](const Json& one) { return one.is_string(); };
  if (value->is_array() && std::ranges::all_of(*value, is_text)) {
    return value->get<std::vector<std::string>>();
  }
  wrong(setting, "a list of texts");
  return std::nullopt;
}

std::vector<std::int64_t> HubConfig::integers(std::string_view setting) {
  const Json* value = values_->find(setting);
  if (value == nullptr) return {};
  if (!value->is_array()) {
    const auto one = integer(setting);
    return one ? std::vector{*one} : std::vector<std::int64_t>();
  }
  read_.emplace(setting);
  const auto is_whole = [](const Json& one) { return one.is_number_integer(); };
  if (std::ranges::all_of(*value, is_whole)) return value->get<std::vector<std::int64_t>>();
  wrong(setting, "a list of whole numbers");
  return {};
}

void HubConfig::add(std::string_view key, MetadataType type, MetadataType element,
                    std::uint64_t count, std::string payload, std::string_view setting) {
  const std::string full = key.starts_with("general.") || key.starts_with("tokenizer.")
                               ? std::string(key)
                               : fmt::format("{}.{}", family_->name, key);
  MetadataEntry entry;
  entry.key = metadata_.keep(full);
  entry.type = type;
  entry.element_type = element;
  entry.count = count;
  const std::string_view bytes = metadata_.keep(std::move(payload));
  entry.payload = std::as_bytes(std::span(bytes.data(), bytes.size()));
  metadata_.add(entry);
  if (!setting.empty()) metadata_.set_name_in_file(full, setting);
}

void HubConfig::put(std::string_view key, std::int64_t value, std::string_view setting) {
  add(key, MetadataType::i64, {}, 1, bytes_of(value), setting);
}

void HubConfig::put(std::string_view key, double value, std::string_view setting) {
  add(key, MetadataType::f64, {}, 1, bytes_of(value), setting);
}

void HubConfig::put(std::string_view key, std::string_view value, std::string_view setting) {
  add(key, MetadataType::string, {}, 1, std::string(value), setting);
}

void HubConfig::put_flags(std::string_view key, const std::vector<bool>& values,
                          std::string_view setting) {
  std::string payload;
  for (const bool value : values) payload += value ? '\1' : '\0';
  add(key, MetadataType::array, MetadataType::boolean, values.size(), std::move(payload), setting);
}

std::string_view HubConfig::rope_prefix() const {
  const auto first = values_->settings.lower_bound("rope_parameters.");
  const bool is_new =
      first != values_->settings.end() && first->first.starts_with("rope_parameters.");
  return is_new ? "rope_parameters." : "rope_scaling.";
}

void HubConfig::translate_names() {
  for (const NamedKey& named : kNames) {
    // Where it is missing, whoever needs it says so in the file's own word.
    metadata_.set_name_in_file(fmt::format("{}.{}", family_->name, named.key), named.setting);
    if (named.kind == Kind::integer) {
      if (const auto value = integer(named.setting)) put(named.key, *value, named.setting);
    } else if (const auto value = number(named.setting)) {
      put(named.key, *value, named.setting);
    }
  }
  const std::string_view activation = has("hidden_activation") ? "hidden_activation" : "hidden_act";
  if (const auto named = text(activation);
      named &&
      std::ranges::find(family_->hub.activations, *named) == family_->hub.activations.end()) {
    refuse(activation);
  }
  read_.emplace("hidden_act");
  const bool windows = !has("use_sliding_window") || flag("use_sliding_window").value_or(true);
  const auto window = integer("sliding_window");
  if (windows && window) put("attention.sliding_window", *window, "sliding_window");
  if (has("layer_types") && !read_.contains("layer_types")) {
    const auto types = texts("layer_types");
    const auto is_full = [](const std::string& type) { return type == "full_attention"; };
    if (types && !std::ranges::all_of(*types, is_full)) refuse("layer_types");
  }
}

Status HubConfig::check_unread() const {
  for (const auto& [setting, value] : values_->settings) {
    if (read_.contains(setting) || is_on(setting, kHarmless) || is_neutral(setting, value)) {
      continue;
    }
    return Error{
        ErrorCode::unsupported,
        fmt::format(
            "{} has the setting {} = {} in config.json, which Mneme does not "
            "compute with: its answers would be wrong",
            name_, printable(setting),
            printable(value.dump(-1, ' ', true, Json::error_handler_t::replace).substr(0, 80)))};
  }
  return {};
}

Result<Metadata> HubConfig::translate() {
  RETURN_IF_ERROR(problem_);
  if (family_->hub.translate != nullptr) {
    family_->hub.translate(*this);
  } else {
    translate_rope(rope_prefix());
  }
  translate_names();
  RETURN_IF_ERROR(problem_);
  RETURN_IF_ERROR(check_unread());
  CHECK(!metadata_.sort());  // no family puts a key twice
  return metadata_;
}

}  // namespace mneme
