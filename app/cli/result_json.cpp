// SPDX-License-Identifier: Apache-2.0
#include "app/cli/result_json.h"

#include <nlohmann/json.hpp>

#include "base/printable.h"

namespace mneme::cli {

std::string json_text(const nlohmann::ordered_json& json) {
  return escape_json_controls(
      json.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace));
}

nlohmann::ordered_json to_json(const DeviceInfo& device) {
  return {{"id", device.id},
          {"name", device.name},
          {"driver", device.driver},
          {"total_bytes", device.total_bytes},
          {"free_bytes", device.free_bytes},
          {"automatic", device.automatic},
          {"unusable", device.unusable.empty() ? nlohmann::ordered_json()
                                               : nlohmann::ordered_json(device.unusable)}};
}

std::string_view stop_reason_name(StopReason reason) {
  switch (reason) {
    case StopReason::end_of_turn:
      return "end_of_turn";
    case StopReason::length:
      return "length";
    case StopReason::context_full:
      return "context_full";
    case StopReason::stopped:
      return "stopped";
    case StopReason::stop_text:
      return "stop_text";
  }
  return "?";
}

std::string to_json_line(const ModelLayout& layout, const GenerateResult& r,
                         const std::vector<TokenId>& tokens) {
  nlohmann::ordered_json json;
  json["model"] = layout.name;
  json["memory"] =
      layout.memory ? nlohmann::ordered_json(layout.memory->name) : nlohmann::ordered_json();
  json["text"] = r.text;
  json["tokens"] = tokens;
  json["stop_reason"] = stop_reason_name(r.stop_reason);
  json["seed"] = std::to_string(r.seed);  // 64 bits do not survive a JSON number
  json["prompt_tokens"] = r.prompt_tokens;
  json["reused_tokens"] = r.reused_tokens;
  json["generated_tokens"] = r.generated_tokens;
  json["time_to_first_token_ms"] = r.time_to_first_token_ms;
  json["prefill_tok_s"] = r.prefill_tok_s;
  json["decode_tok_s"] = r.decode_tok_s;
  json["ngrams"] = {{"device", r.ngrams_device},
                    {"ram", r.ngrams_ram},
                    {"ssd_in_time", r.ngrams_ssd_in_time},
                    {"ssd_late", r.ngrams_ssd_late}};
  json["stall_us"] = r.stall_us;
  return json_text(json);
}

void append_reply(std::vector<TokenId>& tokens, const TraceLog& trace,
                  const GenerateResult& result) {
  for (EventIndex i = result.reply_first_event; i < result.reply_end_event; ++i) {
    tokens.push_back(trace.record(i).token());
  }
}

}  // namespace mneme::cli
