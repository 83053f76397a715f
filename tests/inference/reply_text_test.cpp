// SPDX-License-Identifier: Apache-2.0
#include "inference/text/reply_text.h"

#include <gtest/gtest.h>

#include <optional>
#include <string>
#include <vector>

#include "inference/text/tokenizer.h"
#include "tests/support/tiny_vocabulary.h"

namespace mneme {
namespace {

class ReplyTextTest : public ::testing::Test {
 protected:
  void SetUp() override {
    TinyVocabulary vocabulary;
    end_ = vocabulary.add_end();
    think_ = vocabulary.add("<think>", TokenType::user_defined);
    tokenizer_.emplace(vocabulary.tokenizer());
  }

  // What each token releases, then the end.
  std::vector<std::string> pieces(const std::vector<TokenId>& tokens,
                                  std::vector<std::string> stops = {}) {
    ReplyText reply(*tokenizer_, std::move(stops));
    std::vector<std::string> out;
    for (const TokenId token : tokens) out.push_back(reply.push(token));
    out.push_back(reply.finish());
    return out;
  }
  std::vector<TokenId> bytes(std::string_view text) { return tokenizer_->encode(text); }

  using Pieces = std::vector<std::string>;
  std::optional<Tokenizer> tokenizer_;
  TokenId end_ = 0, think_ = 0;
};

TEST_F(ReplyTextTest, SpecialTokensHaveTheirNameAndEndsNothing) {
  EXPECT_EQ(pieces({think_, 'a', end_}), (Pieces{"<think>", "a", "", ""}));
  EXPECT_EQ(pieces({-1, 100000}), (Pieces{"", "", ""})) << "no token has these numbers";
}

TEST_F(ReplyTextTest, HalfACharacterIsHeldBack) {
  EXPECT_EQ(pieces(bytes("é記")), (Pieces{"", "é", "", "", "記", ""}));
  EXPECT_EQ(pieces({'a', 0xC3}), (Pieces{"a", "", "\uFFFD"}));
}

TEST_F(ReplyTextTest, AStopTextIsNotShownNorWhatMayBeginOne) {
  EXPECT_EQ(pieces(bytes("ab--c"), {"--c"}), (Pieces{"a", "b", "", "", "", ""}));
  EXPECT_EQ(pieces(bytes("a--b"), {"--c"}), (Pieces{"a", "", "", "--b", ""}));
  EXPECT_EQ(pieces(bytes("a--"), {"--c"}), (Pieces{"a", "", "", "--"}));
  EXPECT_EQ(pieces(bytes("aab"), {"ab"}), (Pieces{"", "a", "", ""}));
  EXPECT_EQ(pieces(bytes("xyz"), {"z", "yz"}), (Pieces{"x", "", "", ""})) << "the first one";
  EXPECT_EQ(pieces({'x', think_, 'y'}, {"ink"}), (Pieces{"x", "<th", "", ""}));
  EXPECT_EQ(pieces(bytes("ab"), {""}), (Pieces{"a", "b", ""}));
  ReplyText reply(*tokenizer_, {"b"});
  for (const TokenId token : bytes("abc")) reply.push(token);
  EXPECT_TRUE(reply.stopped());
}

TEST_F(ReplyTextTest, TokensBelongToATextThatTheyGive) {
  const auto count = [&](const std::vector<TokenId>& tokens, std::string_view text) {
    return tokens_of_text(*tokenizer_, tokens, text).size();
  };
  EXPECT_EQ(count({think_, 'a', end_}, "<think>a"), 2u);
  EXPECT_EQ(count({'a', 'b', 'c'}, "ab"), 2u);
  EXPECT_EQ(count({'a', 'b'}, "abc"), 0u);
  EXPECT_EQ(count({'a', 'b'}, "ax"), 0u);
  EXPECT_EQ(count({'a', 0xC3}, "a\uFFFD"), 2u);
  EXPECT_EQ(count({'a', 0xC3}, "a"), 1u);
  EXPECT_EQ(count({}, "a"), 0u);
}

}  // namespace
}  // namespace mneme
