// SPDX-License-Identifier: Apache-2.0
// SentencePiece's BPE.
#include <gtest/gtest.h>

#include <cmath>
#include <random>
#include <span>
#include <string>
#include <vector>

#include "inference/files/gguf_writer.h"
#include "inference/text/tokenizer.h"
#include "tests/support/merged_by_hand.h"
#include "tests/support/piece_vocabulary.h"

namespace mneme {
namespace {

using Ids = std::vector<TokenId>;
using AddedSpace = Vocabulary::AddedSpace;

constexpr TokenId kUnknown = 0;
constexpr TokenId kEnd = 2;

Tokenizer make(Vocabulary vocabulary) {
  auto tokenizer = Tokenizer::create(std::move(vocabulary));
  EXPECT_TRUE(tokenizer) << (tokenizer ? "" : tokenizer.error().message);
  return std::move(*tokenizer);
}

Vocabulary letters(AddedSpace space, std::string_view more = "") {
  Vocabulary v = piece_vocabulary();
  v.added_space = space;
  v.strips_space = space != AddedSpace::never;
  add_piece(v, "\u2581", -100);
  for (const char c : std::string("abcd<>/s") + std::string(more)) {
    add_piece(v, std::string(1, c), -100);
  }
  return v;
}

TokenId byte(unsigned char value) {
  return 3 + value;
}

TEST(SentencePiece, JoinsTheHighestScoreFirstThenTheLeftmost) {
  Vocabulary v = letters(AddedSpace::never);
  const TokenId ab = add_piece(v, "ab", -2);
  const TokenId bc = add_piece(v, "bc", -1);
  const TokenId aa = add_piece(v, "aa", -2);
  const TokenId abc = add_piece(v, "abc", -3);  // of a and bc as well as of ab and c
  const Tokenizer t = make(v);
  const TokenId a = *t.find("a");
  EXPECT_EQ(t.encode("abc"), Ids{abc});
  EXPECT_EQ(t.encode("ab"), Ids{ab});
  EXPECT_EQ(t.encode("aaa"), (Ids{aa, a}));
  EXPECT_EQ(t.encode("aab"), (Ids{aa, *t.find("b")}));  // equal scores
  EXPECT_EQ(t.encode("bcab"), (Ids{bc, ab}));
  EXPECT_EQ(t.encode(""), Ids{});
}

TEST(SentencePiece, PutsASpaceInFrontAndTakesItAway) {
  const auto tokens = [](AddedSpace space, std::string_view text) {
    Vocabulary v = letters(space);
    add_piece(v, "\u2581a", -1);
    const Tokenizer t = make(v);
    std::string out;
    for (const TokenId id : t.encode(text, Specials::parse)) {
      out += std::string(t.vocab_text(id)) + " ";
    }
    return out;
  };
  EXPECT_EQ(tokens(AddedSpace::always, "a</s>a a"), "\u2581a </s> \u2581a \u2581a ");
  EXPECT_EQ(tokens(AddedSpace::always, "</s>a"), "</s> \u2581a ");
  EXPECT_EQ(tokens(AddedSpace::always, " a"), "\u2581 \u2581a ");
  EXPECT_EQ(tokens(AddedSpace::at_start, "a</s>a a"), "\u2581a </s> a \u2581a ");
  EXPECT_EQ(tokens(AddedSpace::at_start, "</s>a"), "</s> a ");
  EXPECT_EQ(tokens(AddedSpace::never, "a</s>a a"), "a </s> a \u2581a ");
  for (const AddedSpace space : {AddedSpace::always, AddedSpace::never}) {
    const Tokenizer t = make(letters(space));
    for (const char* text : {"a", " a", "  a b ", "", " ", "z\u00e9\n"}) {
      EXPECT_EQ(t.decode(t.encode(text)), text);
    }
  }
  const Tokenizer t = make(letters(AddedSpace::always));
  EXPECT_EQ(t.decode(*t.find("\u2581")), " ");  // of a token by itself nothing is taken
}

TEST(SentencePiece, FallsBackToBytes) {
  Vocabulary v = letters(AddedSpace::never);
  const TokenId joined = add_piece(v, "zz", -1);  // of two characters that are no tokens
  const Tokenizer t = make(v);
  EXPECT_EQ(t.encode("\u00e9"), (Ids{byte(0xc3), byte(0xa9)}));
  EXPECT_EQ(t.encode("\n"), Ids{byte('\n')});
  EXPECT_EQ(t.encode("zzz"), (Ids{joined, byte('z')}));
  EXPECT_EQ(t.decode(byte(0xc3)), "\xc3");
  EXPECT_EQ(t.decode(t.encode("\U0001f600")), "\U0001f600");
  EXPECT_EQ(t.decode(t.encode("a\xff")), "a\xef\xbf\xbd");
  EXPECT_EQ(t.encode("<0x41>").size(), 6u);  // a name is not the byte

  Vocabulary without = piece_vocabulary(false);
  without.added_space = AddedSpace::never;
  add_piece(without, "a", 0);
  const Tokenizer unknown = make(without);
  EXPECT_EQ(unknown.encode("a\u00e9\nab"), (Ids{3, kUnknown, 3, kUnknown}));
  without.unknown.reset();
  EXPECT_EQ(make(without).encode("a\u00e9"), Ids{3});
}

TEST(SentencePiece, UserTextNeverYieldsSpecialTokens) {
  Vocabulary v = letters(AddedSpace::never, "t");
  const TokenId evil = add_piece(v, "ab", 5, TokenType::control);
  const TokenId tag = add_piece(v, "<t>", 5, TokenType::user_defined);
  const TokenId blanks = add_piece(v, "\u2581\u2581", -1, TokenType::user_defined);
  const TokenId spaces = add_piece(v, "   ", -1, TokenType::user_defined);
  const TokenId unused = add_piece(v, "cd", 5, TokenType::unused);
  const Tokenizer t = make(v);
  for (const TokenId id : t.encode("</s>ab<t><unk>cd<0x41>")) {
    EXPECT_FALSE(t.is_special(id)) << t.vocab_text(id);
    EXPECT_NE(id, unused);
  }
  EXPECT_EQ(t.encode("</s>ab<t><unk>", Specials::parse), (Ids{kEnd, evil, tag, kUnknown}));
  EXPECT_EQ(t.encode("a  b"), (Ids{*t.find("a"), blanks, *t.find("b")}));
  EXPECT_EQ(t.encode("a   b"), (Ids{*t.find("a"), spaces, *t.find("b")}));
  EXPECT_EQ(t.decode(t.encode("a  b   c")), "a  b   c");
  EXPECT_TRUE(t.is_end(kEnd));
}

TEST(SentencePiece, SpecialTokensMayTakeTheWhiteSpaceBesideThem) {
  Vocabulary v = letters(AddedSpace::never);
  const TokenId left = add_piece(v, "<l>", 0, TokenType::control);
  const TokenId right = add_piece(v, "<r>", 0, TokenType::control);
  v.strips_left = {left};
  v.strips_right = {right};
  const Tokenizer t = make(v);
  const TokenId a = *t.find("a");
  const TokenId space = *t.find("\u2581");
  EXPECT_EQ(t.encode("a \n<l> a", Specials::parse), (Ids{a, left, space, a}));
  EXPECT_EQ(t.encode("a <r> \na", Specials::parse), (Ids{a, space, right, a}));
  EXPECT_EQ(t.encode("<r> <l>", Specials::parse), (Ids{right, left}));
}

// Neither the cuts, nor what is quick for short pieces, nor the heap for long ones may show.
TEST(SentencePiece, MergesAsTheDefinitionSays) {
  std::mt19937 random(5);
  const std::vector<std::string> alphabet{"a", "b", "\u2581", "\n", ".", "\u00e9", "\u65e5"};
  for (int round = 0; round < 60; ++round) {
    Vocabulary v = piece_vocabulary();
    v.added_space = AddedSpace::never;
    for (const std::string& letter : alphabet) {
      if (random() % 4 != 0) add_piece(v, letter, -50);
    }
    for (int i = 0; i < 60; ++i) {
      std::string piece;
      for (auto size = 2 + random() % 4; size > 0; --size) {
        piece += alphabet[random() % (round % 2 == 0 ? 3 : alphabet.size())];
      }
      add_piece(v, piece, -static_cast<float>(random() % 30));
    }
    // Of texts given twice the first counts.
    const Tokenizer t = make(v);
    for (const std::size_t length : {1u, 5u, 40u, 60u, 400u}) {
      std::string text;
      for (std::size_t i = 0; i < length; ++i) text += alphabet[random() % alphabet.size()];
      ASSERT_EQ(t.encode(text), merged_by_hand(v, text)) << round << ": " << text;
    }
  }
}

// Quadratic time would be hours.
TEST(SentencePiece, TakesHostileTextInItsStride) {
  Vocabulary v = letters(AddedSpace::always);
  std::string run = "a";
  for (int i = 0; i < 10; ++i) {
    run += run;
    add_piece(v, run, -static_cast<float>(i));
  }
  const Tokenizer t = make(v);
  EXPECT_EQ(t.encode(std::string(1 << 20, 'a')).size(), 1025u);
  EXPECT_EQ(t.decode(t.encode(std::string(1 << 20, ' '))).size(), 1u << 20);
  EXPECT_EQ(t.encode(std::string(1 << 20, 'b')).size(), (1u << 20) + 1);
  std::string wide;
  while (wide.size() < 5u << 20) wide += "\u65e5";
  EXPECT_EQ(t.decode(t.encode(wide)), wide);
}

TEST(SentencePiece, StopsWhereThereAreMoreTokensThanWanted) {
  const Tokenizer t = make(letters(AddedSpace::always));
  const std::vector<TextPiece> pieces = {{"a</s>", false}, {"b c\u00e9", true}};
  const Ids all = t.encode(pieces);
  for (std::size_t most = 0; most < all.size() + 2; ++most) {
    const auto some = t.encode(pieces, most);
    EXPECT_EQ(some.has_value(), most >= all.size()) << most;
    if (some) {
      EXPECT_EQ(*some, all);
    }
  }
}

TEST(SentencePiece, RefusesWhatContradictsItself) {
  const auto refusal = [](const auto& change) {
    Vocabulary v = letters(AddedSpace::always);
    change(v);
    const auto tokenizer = Tokenizer::create(std::move(v));
    return tokenizer ? "accepted" : tokenizer.error().message;
  };
  EXPECT_EQ(refusal([](Vocabulary& v) { v.scores[5] = std::nanf(""); }),
            "pieces: the score of token 5 is not a number");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.scores.pop_back(); }),
            "pieces: there are 268 tokens but 267 scores");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.types.pop_back(); }),
            "pieces: there are 268 tokens but 267 token types");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.bos = 268; }),
            "pieces: BOS is 268, beyond the vocabulary");
  EXPECT_EQ(refusal([](Vocabulary& v) { v.ends = {-1}; }),
            "pieces: the list of tokens that end an answer has -1, beyond the vocabulary");
  EXPECT_EQ(refusal([](Vocabulary& v) {
              v.scores.clear();
              v.left.add("");
              v.right.add("a");
            }),
            "pieces: merge 0 has an empty part");
}

TEST(SentencePiece, IsReadFromAGguf) {
  const Vocabulary v = letters(AddedSpace::always);
  const auto write = [&v](bool scores, const auto& change) {
    GgufWriter writer;
    std::vector<std::string> texts;
    std::vector<std::int32_t> types;
    for (std::size_t i = 0; i < v.texts.size(); ++i) {
      texts.emplace_back(v.texts[i]);
      types.push_back(static_cast<std::int32_t>(v.types[i]));
    }
    writer.add_string("tokenizer.ggml.model", "llama");
    writer.add_strings("tokenizer.ggml.tokens", std::span<const std::string>(texts));
    writer.add_i32s("tokenizer.ggml.token_type", types);
    if (scores) writer.add_f32s("tokenizer.ggml.scores", v.scores);
    change(writer);
    const std::string bytes = writer.head();
    const auto file = GgufFile::parse(std::as_bytes(std::span(bytes)), "tiny.gguf");
    EXPECT_TRUE(file);
    return Tokenizer::from_gguf(file->metadata());
  };
  const auto plain = write(true, [](GgufWriter&) {});
  ASSERT_TRUE(plain) << plain.error().message;
  EXPECT_EQ(plain->bos(), TokenId{1});
  EXPECT_EQ(plain->eos(), TokenId{2});
  EXPECT_TRUE(plain->adds_bos());
  EXPECT_EQ(plain->sha256(), make(v).sha256());
  EXPECT_EQ(plain->encode("a b"), make(v).encode("a b"));
  const auto bare = write(true, [](GgufWriter& writer) {
    writer.add_bool("tokenizer.ggml.add_space_prefix", false);
    writer.add_bool("tokenizer.ggml.add_bos_token", false);
    writer.add_bool("tokenizer.ggml.remove_extra_whitespaces", false);
  });
  ASSERT_TRUE(bare) << bare.error().message;
  EXPECT_EQ(bare->encode("a").size(), 1u);
  EXPECT_FALSE(bare->adds_bos());
  const auto refusal = [&write](bool scores, const auto& change) {
    const auto read = write(scores, change);
    return read ? "accepted" : read.error().message;
  };
  EXPECT_NE(refusal(false, [](GgufWriter&) {}).find("tokenizer.ggml.scores"), std::string::npos);
  EXPECT_NE(refusal(true,
                    [](GgufWriter& writer) {
                      writer.add_bool("tokenizer.ggml.remove_extra_whitespaces", true);
                    })
                .find("tokenizer.ggml.remove_extra_whitespaces"),
            std::string::npos);
}

}  // namespace
}  // namespace mneme
