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

TEST(PreTokenizer, StaysExactOnLongRuns) {
  constexpr std::size_t kLong = 1 << 20;
  const std::string spaces(kLong, ' ');
  for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-v3"}) {
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
  for (const char* name : {"gpt-2", "smollm", "llama-bpe", "qwen2", "deepseek-v3"}) {
    const auto pre = PreTokenizer::open(name);
    ASSERT_TRUE(pre);
    int given = 0;
    EXPECT_FALSE(pre->split("one, 2 and three.", [&](std::string_view) { return ++given < 3; }));
    EXPECT_EQ(given, 3) << name;
  }
}

TEST(PreTokenizer, RefusesUnknownNames) {
  auto pre = PreTokenizer::open("tekken");
  ASSERT_FALSE(pre.has_value());
  EXPECT_NE(pre.error().message.find("\"tekken\""), std::string::npos);
}

}  // namespace
}  // namespace mneme
