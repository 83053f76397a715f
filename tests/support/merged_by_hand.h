// SPDX-License-Identifier: Apache-2.0
// SentencePiece's BPE in its simplest form, over the whole text at once: quadratic, and the
// definition that Tokenizer is held to.
#pragma once

#include <string_view>
#include <vector>

#include "inference/text/vocabulary.h"

namespace mneme {

// `text` without special tokens, spaces marked; every byte of it has a token.
std::vector<TokenId> merged_by_hand(const Vocabulary& vocabulary, std::string_view text);

}  // namespace mneme
