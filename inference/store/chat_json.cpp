// SPDX-License-Identifier: Apache-2.0
#include "inference/store/chat_json.h"

#include <cstdint>
#include <nlohmann/json.hpp>
#include <string>
#include <vector>

#include "inference/base/log.h"

namespace mneme {
namespace {

using Json = nlohmann::json;

constexpr std::int64_t kCountMax = std::int64_t{1} << 53;

// Invalid UTF-8 in a name is replaced, so nothing here throws.
std::string dump(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
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
  template <class Number>
  void setting(const SamplerField& field, Number* value) const {
    const std::string name(field.name);
    const Json* stored = find(name.c_str());
    if (stored == nullptr) return;
    if (!stored->is_number()) return refuse(name.c_str());
    *value = field.nearest<Number>(stored->get<double>());
    const auto least = static_cast<double>(static_cast<Number>(field.least));
    if (stored->get<double>() < least || stored->get<double>() > field.most) {
      log_warning("inference", "{} must be from {} to {}, but {} was stored; {} is used",
                  field.label, field.least, field.most, stored->get<double>(), *value);
    }
  }
  void texts(const char* name, std::vector<std::string>* values) const {
    const Json* field = find(name);
    if (field == nullptr) return;
    if (!field->is_array()) return refuse(name);
    for (const Json& value : *field) {
      if (!value.is_string()) return refuse(name);
      values->push_back(value.get<std::string>());
    }
  }
  void rate(const char* name, double* value) const { number(name, value, 0, 1e15); }
  void count(const char* name, std::int64_t* value) const {
    number(name, value, 0, static_cast<double>(kCountMax));
  }
  // std::uint64_t, or an optional one that stays empty where there is none.
  template <class Unsigned>
  void unsigned_integer(const char* name, Unsigned* value) const {
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

Json sampling_to_json(const SamplerOptions& s) {
  Json json = Json::object();
  visit_sampler(s, [&](const SamplerField& field, const auto& value) {
    json[std::string(field.name)] = value;
  });
  if (!s.stops.empty()) json["stops"] = s.stops;
  if (s.seed) json["seed"] = *s.seed;
  return json;
}

SamplerOptions sampling_from(const Fields& fields) {
  SamplerOptions s;
  visit_sampler(s, [&](const SamplerField& field, auto& value) { fields.setting(field, &value); });
  fields.texts("stops", &s.stops);
  fields.unsigned_integer("seed", &s.seed);
  return s;
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
  return dump({{"sampling", sampling_to_json(settings.sampling)},
               {"max_tokens", settings.max_tokens},
               {"memory_on", settings.memory_on}});
}

ChatSettings settings_from_json(std::string_view json) {
  const Fields fields(json);
  ChatSettings settings;
  settings.sampling = sampling_from(fields.inner("sampling"));
  fields.count("max_tokens", &settings.max_tokens);
  fields.boolean("memory_on", &settings.memory_on);
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
