// SPDX-License-Identifier: Apache-2.0
// An answer as one JSON object, for `complete --json` and `chat --json`. Text that is not UTF-8
// becomes U+FFFD.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "inference/base/ids.h"
#include "inference/run/generate.h"
#include "inference/trace/model_layout.h"

namespace mneme::cli {

std::string_view stop_reason_name(StopReason reason);
std::string to_json_line(const ModelLayout& layout, const GenerateResult& result,
                         const std::vector<TokenId>& tokens);

}  // namespace mneme::cli
