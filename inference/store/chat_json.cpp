// SPDX-License-Identifier: Apache-2.0
#include "inference/store/chat_json.h"

#include <algorithm>
#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/log.h"
#include "base/parse_number.h"
#include "inference/settings/setting.h"
#include "inference/settings/settings.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kCountMax = std::int64_t{1} << 53;
constexpr double kCountLimit = 1e15;
constexpr std::string_view kSystemPrompt = "new_chats/system_prompt";

// Invalid UTF-8 in a name is replaced, so nothing here throws.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string json_key(const Setting& setting) {
  return std::string(setting.name.substr(setting.name.find('/') + 1));
}

// Null where there is nothing to keep: no seed, no stop texts.
Json json_of(const Setting& setting, const SettingValue& value) {
  if (setting.kind == SettingKind::seed) {
    const auto seed = parse_seed(std::get<std::string>(value));
    return seed && *seed ? Json(**seed) : Json();
  }
  Json json = std::visit([](const auto& held) { return Json(held); }, value);
  return json.is_array() && json.empty() ? Json() : json;
}

// None where the type is another, or the word none of the choices.
std::optional<SettingValue> value_from(const Setting& setting, const Json& json) {
  switch (setting.kind) {
    case SettingKind::toggle:
      if (json.is_boolean()) return json.get<bool>();
      break;
    case SettingKind::whole:
    case SettingKind::size:
      if (!json.is_number()) break;
      // Beyond what such a number can be, it is out of range on that side.
      return static_cast<std::int64_t>(std::clamp(json.get<double>(), -kCountLimit, kCountLimit));
    case SettingKind::real:
      if (json.is_number()) return json.get<double>();
      break;
    case SettingKind::seed:
      if (json.is_number_unsigned()) return std::to_string(json.get<std::uint64_t>());
      break;
    case SettingKind::choice:
    case SettingKind::device:
    case SettingKind::file:
    case SettingKind::text:
      if (!json.is_string()) break;
      if (auto value = parse_setting(setting, json.get<std::string>())) return std::move(*value);
      break;
    case SettingKind::texts: {
      std::vector<std::string> texts;
      if (!json.is_array()) break;
      for (const Json& text : json) {
        if (!text.is_string()) return std::nullopt;
        texts.push_back(text.get<std::string>());
      }
      return texts;
    }
  }
  return std::nullopt;
}

// Reads fields of one object; see the header for what happens to those that do not fit. Types are
// asked for before each get(), so none of them throws either.
class Fields {
 public:
  explicit Fields(std::string_view json)
      : object_(Json::parse(json.begin(), json.end(), nullptr, /*allow_exceptions=*/false)) {
    if (!valid()) log_warning("inference", "a stored JSON column is damaged; defaults are used");
  }

  bool valid() const { return object_.is_object(); }

  Fields inner(const char* name) const {
    const Json* field = find(name);
    Fields fields;
    if (field != nullptr && field->is_object()) {
      fields.object_ = *field;
    } else if (valid()) {
      refuse(name);
    }
    return fields;
  }

  template <class Number>
  void number(const char* name, Number* value, double low, double high) const {
    const Json* field = find(name);
    if (field == nullptr) return;
    const double stored = field->is_number() ? field->get<double>() : low - 1;
    if (!(stored >= low && stored <= high)) return refuse(name);
    *value = static_cast<Number>(stored);
  }
  // A setting that is out of range takes the nearest value that is not.
  void setting(const Setting& setting, Settings* settings) const {
    const std::string name = json_key(setting);
    const Json* stored = find(name.c_str());
    if (stored == nullptr) return;
    const std::optional<SettingValue> value = value_from(setting, *stored);
    if (!value) return refuse(name.c_str());
    const SettingValue used = nearest_value(setting, *value);
    if (const Status fits = check_setting(setting, *value); !fits) {
      log_warning("inference", "a stored setting: {}; {} is used", fits.error().message,
                  setting_to_file(setting, used));
    }
    setting.put(*settings, used);
  }
  void rate(const char* name, double* value) const { number(name, value, 0, 1e15); }
  void count(const char* name, std::int64_t* value) const {
    number(name, value, 0, static_cast<double>(kCountMax));
  }
  void unsigned_integer(const char* name, std::uint64_t* value) const {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_number_unsigned()) return refuse(name);
    *value = field->get<std::uint64_t>();
  }
  void boolean(const char* name, bool* value) const {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_boolean()) return refuse(name);
    *value = field->get<bool>();
  }
  void text(const char* name, std::string* value) const {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_string()) return refuse(name);
    *value = field->get<std::string>();
  }

 private:
  Fields() = default;
  const Json* find(const char* name) const {
    if (!valid()) return nullptr;
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }
  static void refuse(const char* name) {
    log_warning("inference", "the stored value of \"{}\" makes no sense; its default is used",
                name);
  }

  Json object_;
};

// Those that a chat keeps here, of that page of the table; its system prompt is a column.
template <class Visit>
void each_setting(SettingPage page, const Visit& visit) {
  for (const Setting& setting : all_settings()) {
    if (setting.page == page && setting.name != kSystemPrompt) visit(setting);
  }
}

void write_page(SettingPage page, const ChatSettings& chat, Json* json) {
  Settings settings;
  settings.chat = chat;
  each_setting(page, [&](const Setting& setting) {
    Json value = json_of(setting, setting.of(settings));
    if (!value.is_null()) (*json)[json_key(setting)] = std::move(value);
  });
}

void read_page(SettingPage page, const Fields& fields, ChatSettings* chat) {
  Settings settings;
  settings.chat = *chat;
  each_setting(page, [&](const Setting& setting) { fields.setting(setting, &settings); });
  *chat = settings.chat;
}

Json sampling_to_json(const SamplerOptions& sampling) {
  Json json = Json::object();
  write_page(SettingPage::sampling, {.sampling = sampling}, &json);
  return json;
}

SamplerOptions sampling_from(const Fields& fields) {
  ChatSettings chat;
  read_page(SettingPage::sampling, fields, &chat);
  return chat.sampling;
}

Json result_to_json(const GenerateResult& r) {
  return {{"stop_reason", static_cast<int>(r.stop_reason)},
          {"prompt_tokens", r.prompt_tokens},
          {"reused_tokens", r.reused_tokens},
          {"generated_tokens", r.generated_tokens},
          {"dropped_messages", r.dropped_messages},
          {"time_to_first_token_ms", r.time_to_first_token_ms},
          {"prefill_tok_s", r.prefill_tok_s},
          {"decode_tok_s", r.decode_tok_s},
          {"seed", r.seed},
          {"ngrams_device", r.ngrams_device},
          {"ngrams_ram", r.ngrams_ram},
          {"ngrams_ssd_in_time", r.ngrams_ssd_in_time},
          {"ngrams_ssd_late", r.ngrams_ssd_late},
          {"stall_us", r.stall_us},
          {"prompt_first_event", r.prompt_first_event},
          {"reply_first_event", r.reply_first_event},
          {"reply_end_event", r.reply_end_event}};
}

GenerateResult result_from(const Fields& fields) {
  GenerateResult r;
  int stop_reason = 0;
  fields.number("stop_reason", &stop_reason, 0, static_cast<int>(StopReason::stop_text));
  r.stop_reason = static_cast<StopReason>(stop_reason);
  fields.count("prompt_tokens", &r.prompt_tokens);
  fields.count("reused_tokens", &r.reused_tokens);
  fields.count("generated_tokens", &r.generated_tokens);
  fields.count("dropped_messages", &r.dropped_messages);
  fields.rate("time_to_first_token_ms", &r.time_to_first_token_ms);
  fields.rate("prefill_tok_s", &r.prefill_tok_s);
  fields.rate("decode_tok_s", &r.decode_tok_s);
  fields.unsigned_integer("seed", &r.seed);
  fields.unsigned_integer("ngrams_device", &r.ngrams_device);
  fields.unsigned_integer("ngrams_ram", &r.ngrams_ram);
  fields.unsigned_integer("ngrams_ssd_in_time", &r.ngrams_ssd_in_time);
  fields.unsigned_integer("ngrams_ssd_late", &r.ngrams_ssd_late);
  fields.unsigned_integer("stall_us", &r.stall_us);
  fields.unsigned_integer("prompt_first_event", &r.prompt_first_event);
  fields.unsigned_integer("reply_first_event", &r.reply_first_event);
  fields.unsigned_integer("reply_end_event", &r.reply_end_event);
  return r;
}

}  // namespace

std::string settings_to_json(const ChatSettings& settings) {
  Json json = {{"sampling", sampling_to_json(settings.sampling)}};
  write_page(SettingPage::chat, settings, &json);
  return dump(json);
}

ChatSettings settings_from_json(std::string_view json) {
  const Fields fields(json);
  ChatSettings settings;
  settings.sampling = sampling_from(fields.inner("sampling"));
  read_page(SettingPage::chat, fields, &settings);
  return settings;
}

std::string answer_to_json(const AnswerRecord& answer) {
  return dump({{"model_name", answer.model_name},
               {"model_digest", answer.model_digest},
               {"pack_name", answer.pack_name},
               {"memory_on", answer.memory_on},
               {"exact", answer.exact},
               {"program_version", answer.program_version},
               {"sampling", sampling_to_json(answer.sampling)},
               {"result", result_to_json(answer.result)}});
}

std::optional<AnswerRecord> answer_from_json(std::string_view json) {
  const Fields fields(json);
  if (!fields.valid()) return std::nullopt;
  AnswerRecord answer;
  fields.text("model_name", &answer.model_name);
  fields.text("model_digest", &answer.model_digest);
  fields.text("pack_name", &answer.pack_name);
  fields.boolean("memory_on", &answer.memory_on);
  fields.boolean("exact", &answer.exact);
  fields.text("program_version", &answer.program_version);
  answer.sampling = sampling_from(fields.inner("sampling"));
  answer.result = result_from(fields.inner("result"));
  return answer;
}

}  // namespace mneme
