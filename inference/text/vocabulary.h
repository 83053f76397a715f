// SPDX-License-Identifier: Apache-2.0
// What a file says of its tokenizer, as plain data: the same from a GGUF (gguf_vocabulary.h) and
// from a tokenizer.json (hub_vocabulary.h). Tokenizer::create() checks it and makes a tokenizer of
// it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "inference/text/pre_tokenizer.h"
#include "inference/text/text_list.h"

namespace mneme {

// The numbers are those of tokenizer.ggml.token_type.
enum class TokenType : std::uint8_t {
  normal = 1,
  unknown = 2,
  control = 3,
  user_defined = 4,
  unused = 5,
  byte = 6
};

struct Vocabulary {
  static constexpr std::size_t kMaxTokens = std::size_t{1} << 24;
  static constexpr std::string_view kSpace = "\xe2\x96\x81";  // U+2581, a space of SentencePiece

  std::string source;  // the file, for messages

  // What a text is before its neighbours merge.
  enum class Symbols : std::uint8_t {
    bytes,       // written in GPT-2's alphabet, in the pieces that `pre` cuts
    characters,  // a space is U+2581; a character that is no token becomes its bytes, "<0xE2>"
  };
  Symbols symbols = Symbols::bytes;
  std::optional<PreTokenizer> pre;  // of bytes
  bool composes = false;            // the text is brought to Unicode form NFC first
  bool ignore_merges = false;       // of bytes: a piece that is a token as a whole stays one

  // Of characters: a space that is put in front of the text between special tokens, and whether
  // decoding takes one away from the front of a text.
  enum class AddedSpace : std::uint8_t { never, at_start, always };
  AddedSpace added_space = AddedSpace::never;
  bool strips_space = false;

  TextList texts;  // by id, as stored
  std::vector<TokenType> types;
  // Neighbours merge where a pair is listed, the earliest in the list first; or, where there are
  // scores, where their joined text is a token, the highest score first. Of equals the leftmost.
  TextList left;  // of each pair
  TextList right;
  std::vector<float> scores;  // by id, or none

  std::optional<TokenId> bos;
  std::optional<TokenId> eos;
  std::optional<TokenId> unknown;  // of characters: what has neither token nor bytes
  std::vector<TokenId> ends;  // eos and others that end an answer; those with known names are found
  std::vector<TokenId> suppressed;   // never picked in an answer
  std::vector<TokenId> strips_left;  // special tokens that take the white space beside them along
  std::vector<TokenId> strips_right;
  bool adds_bos = false;
};

}  // namespace mneme
