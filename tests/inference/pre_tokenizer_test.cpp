// SPDX-License-Identifier: Apache-2.0
#include "inference/text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "tests/support/test_paths.h"

namespace mneme {
namespace {

std::vector<std::string_view> split(std::string_view name, std::string_view text) {
  auto pre = PreTokenizer::open(name);
  EXPECT_TRUE(pre.has_value());
  std::vector<std::string_view> pieces;
  const auto take = [&](std::string_view piece) {
    pieces.push_back(piece);
    return true;
  };
  if (pre) {
    EXPECT_TRUE(pre->split(text, take));
  }
  return pieces;
}

TEST(PreTokenizer, CutsAsThePublishedOnesDo) {
  std::ifstream in(test_data("pre_tokenizer.json"));
  const nlohmann::json data = nlohmann::json::parse(in);
  for (const auto& [name, all] : data["pieces"].items()) {
    ASSERT_EQ(all.size(), data["lines"].size());
    for (std::size_t i = 0; i < all.size(); ++i) {
      const std::string line = data["lines"][i];
      std::vector<std::size_t> sizes;
      std::string joined;
      for (const std::string_view piece : split(name, line)) {
        sizes.push_back(piece.size());
        joined += piece;
      }
      EXPECT_EQ(sizes, all[i].get<std::vector<std::size_t>>())
          << name << ": " << ::testing::PrintToString(line);
      EXPECT_EQ(joined, line);
    }
  }
}

constexpr std::array kAll{"gpt-2",  "smollm", "llama-bpe",   "qwen2",       "qwen35",
                          "gpt-4o", "tekken", "deepseek-v3", "deepseek-llm"};

TEST(PreTokenizer, StaysExactOnLongRuns) {
  constexpr std::size_t kLong = 1 << 20;
  const std::string spaces(kLong, ' ');
  for (const char* name : kAll) {
    // All blanks but the last, which the word takes.
    const std::string word = spaces + "x";
    EXPECT_EQ(split(name, word),
              (std::vector<std::string_view>{std::string_view(word).substr(0, kLong - 1), " x"}))
        << name;
    EXPECT_EQ(split(name, spaces).size(), 1u) << name;
    EXPECT_EQ(split(name, std::string(kLong, 'a')).size(), 1u) << name;
    EXPECT_EQ(split(name, std::string(kLong, '!')).size(), 1u) << name;
  }
}

TEST(PreTokenizer, CutsNoMoreThanIsWanted) {
  for (const char* name : kAll) {
    const auto pre = PreTokenizer::open(name);
    ASSERT_TRUE(pre);
    int given = 0;
    EXPECT_FALSE(pre->split("one, 2 and three.", [&](std::string_view) { return ++given < 3; }));
    EXPECT_EQ(given, 3) << name;
  }
}

// Quadratic time would be minutes.
TEST(PreTokenizer, TakesHostileTextInItsStride) {
  for (const char* name : kAll) {
    for (const std::string_view unit :
         {"\xe3\x81\x82\x41", "'", " \n", "A\xcc\x81", "1 ", "\xe3\x80\x80!"}) {
      std::string text;
      while (text.size() < 1 << 20) text += unit;
      std::size_t bytes = 0;
      for (const std::string_view piece : split(name, text)) bytes += piece.size();
      EXPECT_EQ(bytes, text.size()) << name;
    }
  }
}

TEST(PreTokenizer, IsFoundByItsPublishedExpressions) {
  const auto name_of = [](const std::vector<std::string>& patterns) {
    const auto pre = PreTokenizer::of_patterns(patterns);
    return pre ? std::string(pre->name()) : "";
  };
  const std::string numbers = R"(\p{N})";
  const std::string gpt2 =
      R"('s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+)";
  EXPECT_EQ(name_of({gpt2}), "gpt-2");
  EXPECT_EQ(name_of({numbers, gpt2}), "smollm");
  EXPECT_EQ(name_of({numbers}), "");
  EXPECT_EQ(name_of({gpt2, numbers}), "");
  EXPECT_EQ(name_of({}), "");
  // Line ends as characters or as escapes, quotes escaped or not.
  EXPECT_EQ(
      name_of({R"(\p{N}{1,3})", "[\u4e00-\u9fa5\u3040-\u309f\u30a0-\u30ff]+",
               "[!\\\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?["
               "\\p{L}\\p{M}]+| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+"}),
      "deepseek-v3");
}

TEST(PreTokenizer, RefusesUnknownNames) {
  auto pre = PreTokenizer::open("kimi-k2");
  ASSERT_FALSE(pre.has_value());
  EXPECT_EQ(
      pre.error().message,
      "the pre-tokenizer \"kimi-k2\" is not supported; these are, and some that cut as they "
      "do: smollm, gpt-2, llama-bpe, qwen2, qwen35, gpt-4o, tekken, deepseek-v3, deepseek-llm");
}

}  // namespace
}  // namespace mneme
