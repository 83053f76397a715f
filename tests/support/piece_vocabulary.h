// SPDX-License-Identifier: Apache-2.0
// A vocabulary as SentencePiece's BPE has it: "<unk>", "<s>", "</s>", 256 bytes, and whatever a
// test adds.
#pragma once

#include <string_view>

#include "inference/text/vocabulary.h"

namespace mneme {

// In this order; `bytes`: with "<0x00>" to "<0xFF>" behind them.
Vocabulary piece_vocabulary(bool bytes = true);

// Returns the new token's id.
TokenId add_piece(Vocabulary& vocabulary, std::string_view text, float score,
                  TokenType type = TokenType::normal);

}  // namespace mneme
