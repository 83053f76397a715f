// SPDX-License-Identifier: Apache-2.0
#include "inference/text/utf8_stream.h"

#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "base/utf8.h"

namespace mneme {
namespace {

const std::string kBroken(kReplacement);

TEST(Utf8Stream, NeverEmitsHalfACharacter) {
  const std::string text = "a\xc3\xa9 \xe4\xbd\xa0\xf0\x9f\x98\x80z";  // é 你 😀
  Utf8Stream stream;
  std::string out;
  for (const char byte : text) {
    const std::string part = stream.push(std::string_view(&byte, 1));
    EXPECT_EQ(replace_broken_utf8(part), part);
    out += part;
  }
  EXPECT_FALSE(stream.holds_back());
  EXPECT_EQ(out, text);
  EXPECT_EQ(stream.finish(), "");
}

TEST(Utf8Stream, ReplacesWhatCannotBecomeACharacter) {
  Utf8Stream stream;
  EXPECT_EQ(stream.push("\xe4\xbd"), "");
  EXPECT_TRUE(stream.holds_back());
  EXPECT_EQ(stream.push("A"), kBroken + "A");
  EXPECT_EQ(stream.push("\xf0\x9f"), "");
  EXPECT_EQ(stream.finish(), kBroken);
  EXPECT_EQ(stream.push("b"), "b");
}

// What Python's bytes.decode("utf-8", errors="replace") gives, in U+FFFDs and kept text.
TEST(Utf8, CutsErrorsAsPythonDoes) {
  const std::vector<std::pair<std::string, std::string>> cases{
      {"\xff\xfe", kBroken + kBroken},
      {"\xc0\xaf", kBroken + kBroken},
      {"\xc3(", kBroken + "("},
      {"\xe2\x82", kBroken},
      {"\xe2(\xa1", kBroken + "(" + kBroken},
      {"\xed\xa0\x80", kBroken + kBroken + kBroken},
      {"\xf4\x90\x80\x80", kBroken + kBroken + kBroken + kBroken},
      {"\xf0\x9f\x98", kBroken},
      {"\xe4\xb8\xe4\xb8\xad", kBroken + "\xe4\xb8\xad"},
      {"\xf1\x80\x80"
       "a",
       kBroken + "a"},
      {"\xf0\x80\x80\x80", kBroken + kBroken + kBroken + kBroken},
      {std::string("\0", 1), std::string("\0", 1)},
  };
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(replace_broken_utf8(bytes), text) << ::testing::PrintToString(bytes);
    Utf8Stream stream;
    std::string streamed;
    for (const char byte : bytes) streamed += stream.push(std::string_view(&byte, 1));
    EXPECT_EQ(streamed + stream.finish(), text) << ::testing::PrintToString(bytes);
  }
}

}  // namespace
}  // namespace mneme
