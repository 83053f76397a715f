// SPDX-License-Identifier: Apache-2.0
// The tokenizer of a folder as Hugging Face publishes models: tokenizer.json,
// tokenizer_config.json, generation_config.json. All three are a stranger's.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "base/result.h"
#include "inference/text/vocabulary.h"

namespace mneme {

struct HubTokenizerFiles {
  std::string folder;           // for messages
  std::string_view tokenizer;   // the text of tokenizer.json
  std::string_view config;      // of tokenizer_config.json; may be empty
  std::string_view generation;  // of generation_config.json; may be empty
  std::size_t vocab_size = 0;   // of the model: ids above the tokenizer's own become unused tokens
};

// Errors: unsupported (another kind than BPE, or a step that is not computed with; names it),
// corrupt (not what these files are; ids that are missing or given twice; tokens named that there
// are not).
Result<Vocabulary> read_hub_tokenizer(const HubTokenizerFiles& files);

}  // namespace mneme
