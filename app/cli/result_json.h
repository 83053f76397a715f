// SPDX-License-Identifier: Apache-2.0
// JSON as the commands print it; an answer as one object, for `complete --json` and `chat --json`.
#pragma once

#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "gpu/device_info.h"
#include "inference/run/generate.h"
#include "inference/trace/model_layout.h"

namespace mneme::cli {

// On one line. Text that is not UTF-8 becomes U+FFFD.
std::string json_text(const nlohmann::ordered_json& json);

// Of `devices` and `machine`.
nlohmann::ordered_json to_json(const DeviceInfo& device);

std::string_view stop_reason_name(StopReason reason);
// `tokens`: of the prompt and of the reply, as evaluated.
std::string to_json_line(const ModelLayout& layout, const GenerateResult& result,
                         const std::vector<TokenId>& tokens);

// Appends the tokens of the reply, which the records have whole: also the one that ends its turn.
void append_reply(std::vector<TokenId>& tokens, const TraceLog& trace, const GenerateResult& result);

}  // namespace mneme::cli
