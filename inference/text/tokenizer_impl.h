// SPDX-License-Identifier: Apache-2.0
// What a Tokenizer holds. Shared by tokenizer.cpp (use) and tokenizer_load.cpp (making) only.
#pragma once

#include <array>
#include <memory>
#include <string>
#include <string_view>
#include <unordered_map>
#include <vector>

#include "inference/text/byte_alphabet.h"
#include "inference/text/merge_table.h"
#include "inference/text/pre_tokenizer.h"
#include "inference/text/special_tokens.h"
#include "inference/text/tokenizer.h"

namespace mneme {

// Types whose tokens ordinary text never yields.
inline bool is_special_type(TokenType type) {
  return type == TokenType::control || type == TokenType::unknown ||
         type == TokenType::user_defined;
}

struct Tokenizer::Impl {
  Impl(PreTokenizer pre_tokenizer, std::size_t merges_max)
      : pre(std::move(pre_tokenizer)), merges(merges_max) {}

  Status load_merges(const GgufFile& file, const std::vector<std::string_view>& lines);
  Status load_specials(const GgufFile& file);
  // False: `out` would have more than `most` tokens, and is of no use.
  bool encode_plain(std::string_view text, std::size_t most, std::vector<TokenId>& out) const;
  bool encode_piece(std::string_view piece, std::size_t most, std::vector<TokenId>& out) const;

  PreTokenizer pre;
  MergeTable merges;
  std::string storage;                  // every vocabulary text, one after another
  std::vector<std::string_view> texts;  // [vocab] into storage
  std::vector<TokenType> types;         // [vocab]
  std::unordered_map<std::string_view, TokenId> ids;
  std::array<TokenId, 256> byte_ids{};  // -1 = not in the vocabulary
  std::size_t token_bytes_max = 1;      // that one token stands for, or more
  SpecialTokens specials;               // control and user-defined
  SpecialTokens blanks;  // user-defined runs of white space, which ordinary text yields too
  std::vector<TokenId> ends;
  std::vector<TokenId> suppressed;
  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  bool adds_bos = false;
  std::string pre_name;
  std::string sha256;
};

}  // namespace mneme
