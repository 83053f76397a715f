// SPDX-License-Identifier: Apache-2.0
// What the steps of a tokenizer.json do to a text (normalizer, pre_tokenizer, post_processor,
// decoder), as far as Mneme does the same. Any other step is an error with its name: its tokens
// would be other ones without a word.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>

#include "base/result.h"
#include "inference/text/vocabulary.h"

namespace mneme {

// The value of a key, or null: of what is no object, too.
const nlohmann::json* json_field(const nlohmann::json& json, const char* key);
std::string json_text(const nlohmann::json* value);  // "" where it is no text
bool json_flag(const nlohmann::json& json, const char* key, bool otherwise);

// Sets symbols, pre, composes, added_space and strips_space.
Status read_hub_steps(const nlohmann::json& tokenizer, Vocabulary& vocab);

// The token that the post-processor puts in front of a text; empty: none. Errors: unsupported (it
// puts something behind).
Result<std::optional<std::string>> read_hub_front_token(const nlohmann::json& tokenizer,
                                                        const std::string& source);

}  // namespace mneme
