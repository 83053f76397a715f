// SPDX-License-Identifier: Apache-2.0
// The text of a tokenizer.json taken apart: its two long lists, which are all of its size, and the
// rest as JSON. The text is a stranger's: depth and size are bounded, and a key given twice is an
// error.
#pragma once

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/text/text_list.h"

namespace mneme {

struct TokenizerJson {
  nlohmann::json rest;  // an object; without model.vocab and model.merges
  TextList tokens;      // model.vocab, in the order of the file
  std::vector<TokenId> ids;
  TextList left;  // model.merges
  TextList right;
};

// Errors: corrupt, beginning with `source`. A vocabulary that is no object of ids, as that of
// Unigram, is left out.
Result<TokenizerJson> read_tokenizer_json(std::string_view text, const std::string& source);

}  // namespace mneme
