// SPDX-License-Identifier: Apache-2.0
// Tokens that a file holds, for commands that evaluate them.
#pragma once

#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/text/tokenizer.h"

namespace mneme::cli {

// A JSON list of token ids, at least one. Which tokens a model has is not known here. Errors: io;
// invalid (says what else the file holds, and where).
Result<std::vector<TokenId>> read_token_ids(const std::string& path);

// The whole of a file as text, as check_text() has it. Errors: io; invalid (too large, no text).
Result<std::string> read_text_file(const std::string& path);

}  // namespace mneme::cli
