// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <gtest/gtest.h>

#include "base/log.h"

namespace mneme {
namespace {

TEST(Printable, ControlsAndOverridesBecomeVisibleAndLettersStay) {
  EXPECT_EQ(escape_controls("Grüße, 世界, שלום"), "Grüße, 世界, שלום");
  EXPECT_EQ(escape_controls("a\x1b[31mb\rc\nd\te\x7f"), "a\\x1b[31mb\\x0dc\\nd\\x09e\\x7f");
  EXPECT_EQ(escape_controls("a\u202eb\u2066c\u2028d\u009be"), "a\\u202eb\\u2066c\\u2028d\\u009be");
  EXPECT_EQ(escape_controls("\xff\xe4\xb8 \xc0\x80"), "\\xff\\xe4\\xb8 \\xc0\\x80");
  EXPECT_EQ(escape_controls(std::string_view("a\0b", 3)), "a\\x00b");
  EXPECT_EQ(escape_controls("a\n\tb\r", LineBreaks::keep), "a\n\tb\\x0d");
}

TEST(Printable, LongTextIsCutBetweenCharacters) {
  EXPECT_EQ(printable(std::string(80, 'x')), std::string(80, 'x'));
  EXPECT_EQ(printable(std::string(81, 'x')), std::string(80, 'x') + "...");
  EXPECT_EQ(printable("xüü", 2), "x...");
  EXPECT_EQ(printable("xüü", 3), "xü...");
}

TEST(Printable, JsonKeepsItsValues) {
  EXPECT_EQ(escape_json_controls("{\n\"a\": \"ü\u202e\x7f\u009b\"}"),
            "{\n\"a\": \"ü\\u202e\\u007f\\u009b\"}");
}

TEST(Printable, LogLinesAre) {
  const auto lines = recent_log_lines();
  log_debug("test", "named {}", "a\x1b[2J\nforged line");
  EXPECT_EQ(recent_log_lines(lines.empty() ? 0 : lines.back().number).front().text,
            "named a\\x1b[2J\\nforged line");
}

}  // namespace
}  // namespace mneme
