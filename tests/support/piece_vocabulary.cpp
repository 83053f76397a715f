// SPDX-License-Identifier: Apache-2.0
#include "tests/support/piece_vocabulary.h"

#include <fmt/format.h>

namespace mneme {

TokenId add_piece(Vocabulary& vocabulary, std::string_view text, float score, TokenType type) {
  vocabulary.texts.add(text);
  vocabulary.types.push_back(type);
  vocabulary.scores.push_back(score);
  return static_cast<TokenId>(vocabulary.texts.size() - 1);
}

Vocabulary piece_vocabulary(bool bytes) {
  Vocabulary vocabulary;
  vocabulary.source = "pieces";
  vocabulary.symbols = Vocabulary::Symbols::characters;
  vocabulary.added_space = Vocabulary::AddedSpace::always;
  vocabulary.strips_space = true;
  vocabulary.unknown = add_piece(vocabulary, "<unk>", 0, TokenType::unknown);
  vocabulary.bos = add_piece(vocabulary, "<s>", 0, TokenType::control);
  vocabulary.eos = add_piece(vocabulary, "</s>", 0, TokenType::control);
  for (int byte = 0; bytes && byte < 256; ++byte) {
    add_piece(vocabulary, fmt::format("<0x{:02X}>", byte), 0, TokenType::byte);
  }
  return vocabulary;
}

}  // namespace mneme
