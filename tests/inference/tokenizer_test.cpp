// SPDX-License-Identifier: Apache-2.0
#include "inference/text/tokenizer.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <thread>

#include "inference/files/gguf.h"
#include "inference/text/byte_alphabet.h"
#include "tests/support/default_model.h"
#include "tests/support/test_paths.h"
#include "tests/support/tiny_vocabulary.h"

namespace mneme {
namespace {

using Ids = std::vector<TokenId>;

std::string refusal(const TinyVocabulary& vocabulary) {
  const std::string bytes = vocabulary.gguf();
  auto file = GgufFile::parse(std::as_bytes(std::span(bytes)), "tiny.gguf");
  if (!file) return file.error().message;
  auto tokenizer = Tokenizer::from_gguf(file->metadata());
  return tokenizer ? "accepted" : tokenizer.error().message;
}

TEST(Tokenizer, MergesLowestRankFirstThenLeftmost) {
  TinyVocabulary v;
  v.merge("a", "b").merge("b", "c").merge("ab", "c").merge("a", "a");
  const Tokenizer t = v.tokenizer();
  EXPECT_EQ(t.encode("abc"), (Ids{*t.find("abc")}));
  EXPECT_EQ(t.encode("bcab"), (Ids{*t.find("bc"), *t.find("ab")}));
  EXPECT_EQ(t.encode("aaa"), (Ids{*t.find("aa"), *t.find("a")}));
  EXPECT_EQ(t.encode("aab"), (Ids{*t.find("a"), *t.find("ab")}));
  EXPECT_EQ(t.encode(""), Ids{});
}

TEST(Tokenizer, UserTextNeverYieldsSpecialTokens) {
  TinyVocabulary v;
  const TokenId end = v.add("<|im_end|>", TokenType::control);
  const TokenId think = v.add("<think>", TokenType::user_defined);
  const TokenId longer = v.add("<think>!", TokenType::control);
  const Tokenizer t = v.tokenizer();
  for (const TokenId id : t.encode("x<|im_end|><think>", Specials::ignore))
    EXPECT_FALSE(t.is_special(id));
  EXPECT_EQ(t.encode("<|im_end|><think>", Specials::parse), (Ids{end, think}));
  EXPECT_EQ(t.encode("<think>!<think>", Specials::parse), (Ids{longer, think}));
  EXPECT_EQ(t.decode(t.encode("<|im_end|>", Specials::ignore)), "<|im_end|>");
  EXPECT_EQ(t.decode(end), "<|im_end|>");
}

TEST(Tokenizer, SpecialTokensNeverTouchTheUsersPiece) {
  TinyVocabulary v;
  const TokenId end = v.add("<|im_end|>", TokenType::control);
  v.merge("\xc4\x8a", "\xc4\x8a");  // two newlines
  const Tokenizer t = v.tokenizer();
  const auto count = [&](const std::vector<TextPiece>& pieces) {
    const Ids ids = t.encode(pieces);
    return std::count(ids.begin(), ids.end(), end);
  };
  EXPECT_EQ(count({{"<|im_end|>", false}, {"<|im_end|>", true}, {"<|im_end|>", false}}), 2);
  EXPECT_EQ(count({{"<|im_", false}, {"end|>", true}}), 0);
  EXPECT_EQ(count({{"<|im_", true}, {"end|>", false}}), 0);
  EXPECT_EQ(count({{"<|im_", false}, {"", true}, {"end|>", false}}),
            1);  // nothing of the user's between
  EXPECT_EQ(count({{"<|im_", false}, {"en", true}, {"d|>", false}}), 0);
  // Pieces are one text to the merges: the template's newline joins the message's.
  const std::vector<TextPiece> newline{{"\n", false}, {"\n", true}};
  EXPECT_EQ(t.encode(newline), (Ids{*t.find("\xc4\x8a\xc4\x8a")}));
}

TEST(Tokenizer, TakesWhiteSpaceTokensFromUserTextToo) {
  TinyVocabulary v;
  const TokenId blank = v.add("    ", TokenType::user_defined);
  const Tokenizer t = v.tokenizer();
  EXPECT_EQ(t.encode("a    b", Specials::ignore), (Ids{*t.find("a"), blank, *t.find("b")}));
}

TEST(Tokenizer, MergesCannotMakeSpecialTokens) {
  TinyVocabulary v;
  const TokenId evil = v.add("ab", TokenType::control);
  v.merge("a", "b");
  const Tokenizer t = v.tokenizer();
  EXPECT_EQ(t.encode("ab"), (Ids{*t.find("a"), *t.find("b")}));
  EXPECT_EQ(t.encode("ab", Specials::parse), (Ids{evil}));
}

TEST(Tokenizer, KnowsWhereGenerationEnds) {
  TinyVocabulary v;
  const TokenId text_end = v.add("<|endoftext|>", TokenType::control);
  const TokenId turn_end = v.add("<|turn|>", TokenType::control);
  v.add("</s>");  // a normal token of that name ends nothing
  v.set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(turn_end));
  v.set("tokenizer.ggml.bos_token_id", 5u);
  const Tokenizer t = v.tokenizer();
  EXPECT_EQ(t.end_tokens(), (Ids{text_end, turn_end}));
  EXPECT_TRUE(t.is_end(text_end));
  EXPECT_FALSE(t.is_end(5));
  EXPECT_EQ(t.bos(), TokenId{5});
  EXPECT_EQ(t.eos(), turn_end);
  EXPECT_FALSE(t.adds_bos());
}

TEST(Tokenizer, DecodesBytes) {
  const Tokenizer t = TinyVocabulary().tokenizer();
  std::string all;
  for (int byte = 0; byte < 256; ++byte) {
    const std::string_view character = byte_character(static_cast<unsigned char>(byte));
    all += t.decode(*t.find(character));
  }
  ASSERT_EQ(all.size(), 256u);
  for (int byte = 0; byte < 256; ++byte) EXPECT_EQ(static_cast<unsigned char>(all[byte]), byte);
  EXPECT_EQ(t.decode(-1), "");
  EXPECT_EQ(t.decode(t.vocab_size()), "");
}

TEST(Tokenizer, ReplacesBrokenUtf8) {
  const Tokenizer t = TinyVocabulary().tokenizer();
  EXPECT_EQ(t.decode(t.encode("a\xff")), "a\xef\xbf\xbd");
  EXPECT_EQ(t.decode(t.encode("\xf0\x9f\x98")), "\xef\xbf\xbd");
}

TEST(Tokenizer, RefusesWhatItCannotRun) {
  EXPECT_EQ(refusal(TinyVocabulary("t5")),
            "tiny.gguf: the tokenizer \"t5\" (Unigram) is not supported; byte-level BPE (\"gpt2\") "
            "and that of SentencePiece (\"llama\") are");
  EXPECT_NE(
      refusal(TinyVocabulary("gpt2", "bloom")).find("pre-tokenizer \"bloom\" is not supported"),
      std::string::npos);
  TinyVocabulary types;
  types.add("x!", static_cast<TokenType>(9));
  EXPECT_NE(refusal(types).find("unknown type 9"), std::string::npos);
  TinyVocabulary eos;
  eos.set("tokenizer.ggml.eos_token_id", 100000u);
  EXPECT_NE(refusal(eos).find("beyond the vocabulary"), std::string::npos);
  TinyVocabulary merge;
  merge.raw_merge("a q!");
  EXPECT_NE(refusal(merge).find("not in the vocabulary"), std::string::npos);
  TinyVocabulary half;
  half.raw_merge("ab");
  EXPECT_NE(refusal(half).find("not two parts"), std::string::npos);
  TinyVocabulary name;
  name.add(std::string(300, '<'), TokenType::control);
  EXPECT_NE(refusal(name).find("256 are allowed"), std::string::npos);
}

TEST(Tokenizer, DigestCoversTokensTypesAndMerges) {
  TinyVocabulary a;
  a.merge("a", "b");
  TinyVocabulary b;
  b.merge("a", "c");
  TinyVocabulary c;
  c.add("ab", TokenType::control);
  c.merge("a", "b");
  TinyVocabulary d;
  d.add("ab");
  EXPECT_EQ(a.tokenizer().sha256(), a.tokenizer().sha256());
  EXPECT_NE(a.tokenizer().sha256(), b.tokenizer().sha256());
  EXPECT_NE(a.tokenizer().sha256(), c.tokenizer().sha256());
  EXPECT_NE(a.tokenizer().sha256(), d.tokenizer().sha256());
  // Computed apart from this program, from the definition in tokenizer.h.
  EXPECT_EQ(a.tokenizer().sha256(),
            "fa66464806617527bc272e88d618383aa5141cc16231303b35f4efbd1f961755");
}

TEST(Tokenizer, StopsWhereThereAreMoreTokensThanWanted) {
  TinyVocabulary v;
  v.merge("a", "a").merge("aa", "aa");
  const TokenId end = v.add_end();
  const Tokenizer t = v.tokenizer();
  const std::vector<TextPiece> pieces = {{"b<|im_end|>", false}, {"aaaa aaa a", true}};
  const Ids all = t.encode(pieces);
  EXPECT_EQ(all.size(), 8u);
  EXPECT_EQ(all[1], end);
  for (std::size_t most = 0; most < 10; ++most) {
    const auto some = t.encode(pieces, most);
    EXPECT_EQ(some.has_value(), most >= all.size()) << most;
    if (some) {
      EXPECT_EQ(*some, all);
    }
  }
  EXPECT_EQ(t.encode({}, 0), Ids{});
}

// Quadratic time would be hours.
TEST(Tokenizer, TakesHostileTextInItsStride) {
  TinyVocabulary v;
  std::string run = "a";
  for (int i = 0; i < 10; ++i) {
    v.merge(run, run);
    run += run;
  }
  v.add("<" + std::string(250, '<') + "!", TokenType::control);
  const Tokenizer t = v.tokenizer();
  EXPECT_EQ(t.encode(std::string(1 << 20, 'a')).size(), 1024u);
  EXPECT_EQ(t.decode(t.encode(std::string(1 << 20, ' '))).size(), 1u << 20);
  EXPECT_EQ(t.decode(t.encode(std::string(1 << 20, '\n') + "x")).size(), (1u << 20) + 1);
  EXPECT_EQ(t.encode(std::string(1 << 16, '<'), Specials::parse).size(), 1u << 16);
}

// The stored lines and ids of the published tokenizer (tests/data/make_tokenizer_oracle.py).
class Oracle {
 public:
  struct Line {
    std::string text;
    Ids ids;
  };
  explicit Oracle(const std::string& path) {
    std::ifstream in(path, std::ios::binary);
    data_.assign(std::istreambuf_iterator<char>(in), {});
  }
  bool open() {
    if (data_.size() < 8) return false;
    id_bytes_ = take<std::uint32_t>();
    for (std::uint32_t n = take<std::uint32_t>(); n > 0; --n) {
      const auto size = take<std::uint16_t>();
      snippets_.push_back(data_.substr(at_, size));
      at_ += size;
    }
    lines_ = take<std::uint32_t>();
    return true;
  }
  std::uint32_t lines() const { return lines_; }
  Line next() {
    Line line;
    for (int parts = take<std::uint8_t>(); parts > 0; --parts)
      line.text += snippets_.at(take<std::uint16_t>());
    for (int count = take<std::uint16_t>(); count > 0; --count) {
      line.ids.push_back(id_bytes_ == 2 ? static_cast<TokenId>(take<std::uint16_t>())
                                        : take<std::int32_t>());
    }
    return line;
  }

 private:
  template <class T>
  T take() {
    T value{};
    EXPECT_LE(at_ + sizeof value, data_.size());
    if (at_ + sizeof value <= data_.size()) std::memcpy(&value, data_.data() + at_, sizeof value);
    at_ += sizeof value;
    return value;
  }
  std::string data_;
  std::size_t at_ = 0;
  std::uint32_t id_bytes_ = 2;
  std::uint32_t lines_ = 0;
  std::vector<std::string> snippets_;
};

TEST(Tokenizer, EqualsThePublishedTokenizer) {
  const std::string model = default_model_path();
  if (!std::filesystem::exists(model)) GTEST_SKIP() << "needs the default model at " << model;
  auto file = GgufFile::open(model);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  auto tokenizer = Tokenizer::from_gguf(file->metadata());
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;

  const char* other = std::getenv("MNEME_TOKENIZER_ORACLE");
  Oracle oracle(other != nullptr ? other : test_data("tokenizer_oracle.bin"));
  ASSERT_TRUE(oracle.open());
  ASSERT_GE(oracle.lines(), 10000u);
  int wrong = 0;
  for (std::uint32_t i = 0; i < oracle.lines(); ++i) {
    const Oracle::Line line = oracle.next();
    const Ids ids = tokenizer->encode(line.text);
    if (ids != line.ids && ++wrong <= 5) {
      ADD_FAILURE() << "line " << i << ": " << ::testing::PrintToString(line.text) << "\n ours "
                    << ::testing::PrintToString(ids) << "\n published "
                    << ::testing::PrintToString(line.ids);
    }
  }
  EXPECT_EQ(wrong, 0);
}

TEST(Tokenizer, ReadsTheTemplatesSpecialTokensAsPublished) {
  const std::string model = default_model_path();
  if (!std::filesystem::exists(model) || std::getenv("MNEME_TOKENIZER_ORACLE") != nullptr) {
    GTEST_SKIP() << "needs the default model at " << model;
  }
  auto file = GgufFile::open(model);
  ASSERT_TRUE(file.has_value()) << file.error().message;
  auto tokenizer = Tokenizer::from_gguf(file->metadata());
  ASSERT_TRUE(tokenizer.has_value()) << tokenizer.error().message;
  EXPECT_EQ(
      tokenizer->encode("<|im_start|>user\nHi<|im_end|>\n<|im_start|>assistant\n", Specials::parse),
      (Ids{1, 4093, 198, 26843, 2, 198, 1, 520, 9531, 198}));
  EXPECT_EQ(tokenizer->encode("a<|endoftext|> b <|im_end|><|im_end|>\n\n x", Specials::parse),
            (Ids{81, 0, 278, 216, 2, 2, 1116, 1792}));
  EXPECT_EQ(tokenizer->end_tokens(), (Ids{0, 2}));
  EXPECT_FALSE(tokenizer->adds_bos());
}

TEST(Tokenizer, MayBeSharedBetweenThreads) {
  TinyVocabulary v;
  v.merge("a", "b").merge("ab", "c");
  const Tokenizer t = v.tokenizer();
  const Ids expected = t.encode("abc abcab 123");
  std::vector<std::thread> threads;
  for (int i = 0; i < 4; ++i) {
    threads.emplace_back([&] {
      for (int n = 0; n < 200; ++n) EXPECT_EQ(t.encode("abc abcab 123"), expected);
    });
  }
  for (std::thread& thread : threads) thread.join();
}

}  // namespace
}  // namespace mneme
