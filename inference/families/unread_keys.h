// SPDX-License-Identifier: Apache-2.0
// What a file says about its model that the model's family did not read: a key that changes the
// computation, or that is not known here, is an error with its name. Else answers would be wrong
// without a word.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <string_view>

#include "base/result.h"
#include "inference/files/metadata.h"
#include "inference/model/model_config.h"

namespace mneme {

// `prefix` with its point: "llama."; `read`: keys without it. Errors: unsupported.
Status check_unread_keys(const Metadata& file, std::string_view prefix,
                         const std::set<std::string, std::less<>>& read, const ModelConfig& config);

}  // namespace mneme
