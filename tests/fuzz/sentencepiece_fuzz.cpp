// SPDX-License-Identifier: Apache-2.0
// A vocabulary of SentencePiece's BPE and a text for it. The first byte says where spaces are
// added; then pieces, each a byte with its length and type, a byte that is its score, and its text;
// a length of zero ends them. The tokens are those of the definition, and decode to the text.
#include <algorithm>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "base/utf8.h"
#include "inference/text/tokenizer.h"
#include "tests/support/merged_by_hand.h"
#include "tests/support/piece_vocabulary.h"

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  using namespace mneme;
  constexpr std::size_t kMaxText = 2000;  // merging by hand is quadratic
  std::string_view rest(reinterpret_cast<const char*>(data), size);
  const auto next = [&rest]() -> unsigned {
    const unsigned byte = rest.empty() ? 0 : static_cast<unsigned char>(rest[0]);
    rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
    return byte;
  };
  Vocabulary vocabulary = piece_vocabulary();
  vocabulary.added_space = static_cast<Vocabulary::AddedSpace>(next() % 3);
  vocabulary.strips_space = vocabulary.added_space != Vocabulary::AddedSpace::never;
  bool special = false;
  bool has_mark = false;  // else what stands for spaces is three bytes, which stay what they are
  for (unsigned head = next(); head % 16 != 0; head = next()) {
    const float score = -static_cast<float>(next());
    const std::size_t length = std::min<std::size_t>(head % 16, rest.size());
    const std::string text = replace_broken_utf8(rest.substr(0, length));
    rest.remove_prefix(length);
    const auto type = head < 240 ? TokenType::normal : TokenType::user_defined;
    special = special || type != TokenType::normal;
    has_mark = has_mark || text == Vocabulary::kSpace;
    add_piece(vocabulary, text, score, type);
  }
  const Vocabulary copy = vocabulary;
  const auto tokenizer = Tokenizer::create(std::move(vocabulary));
  CHECK(tokenizer.has_value());
  const std::string text = replace_broken_utf8(rest.substr(0, kMaxText));
  for (const TokenId id : tokenizer->encode(text, Specials::parse)) {
    CHECK(tokenizer->contains(id));
  }
  const auto ids = tokenizer->encode(text);
  std::string marked;
  if (copy.strips_space && !text.empty()) marked = Vocabulary::kSpace;
  std::string shown;  // a mark in the text is read as a space
  for (std::string_view left = text; !left.empty();) {
    const bool mark = left.starts_with(Vocabulary::kSpace);
    const bool space = mark || left[0] == ' ';
    marked += space ? Vocabulary::kSpace : left.substr(0, 1);
    shown += space ? std::string_view(" ") : left.substr(0, 1);
    left.remove_prefix(mark ? Vocabulary::kSpace.size() : 1);
  }
  if (special) return 0;  // runs of white space cut the text, which the definition leaves out
  CHECK(ids == merged_by_hand(copy, marked));
  if (has_mark) CHECK(tokenizer->decode(ids) == shown);
  return 0;
}
