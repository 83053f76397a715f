// SPDX-License-Identifier: Apache-2.0
#include "inference/store/unicode_text.h"

#include <gtest/gtest.h>

namespace mneme {
namespace {

TEST(FoldForSearch, DropsCaseAccentsAndLineBreaks) {
  EXPECT_EQ(fold_for_search("  Café\tAU\n\nLait "), "cafe au lait");
  EXPECT_EQ(fold_for_search("CAFE\u0301"), "cafe");
  EXPECT_EQ(fold_for_search("ÄÖÜ straße ŁÓDŹ"), "aou strasse łodz");
  EXPECT_EQ(fold_for_search("ΑΘΉΝΑ"), fold_for_search("αθήνα"));
  EXPECT_EQ(fold_for_search("МОСКВА"), "москва");
  EXPECT_EQ(fold_for_search("ﬁne ＡＢＣ ①"), "fine abc 1");
}

TEST(FoldForSearch, KeepsOtherScriptsWhole) {
  EXPECT_EQ(fold_for_search("記憶"), "記憶");
  EXPECT_EQ(fold_for_search("ガ"), fold_for_search("カ\u3099"));
  EXPECT_NE(fold_for_search("ガ"), fold_for_search("カ"));
  EXPECT_EQ(fold_for_search("한국"), fold_for_search("\u1112\u1161\u11ab\u1100\u116e\u11a8"));
  EXPECT_EQ(fold_for_search("हिन्दी"), "हिन्दी");
  EXPECT_EQ(count_code_points(fold_for_search("记忆")), 2u);
}

TEST(FoldForSearch, TakesAnyBytes) {
  EXPECT_EQ(fold_for_search("a\xff\xe2\x82z"), "a\uFFFD\uFFFDz");
  EXPECT_EQ(fold_for_search(std::string_view("a\0b", 3)), "a b");
  EXPECT_EQ(fold_for_search(""), "");
  EXPECT_EQ(fold_for_search(" \n "), "");
}

TEST(Title, IsOneShortLine) {
  EXPECT_EQ(title_from("Hello"), "Hello");
  EXPECT_EQ(title_from("\n  What is\r\n\tEngram?  "), "What is Engram?");
  EXPECT_EQ(title_from(" \n\t "), "");
  EXPECT_EQ(title_from(""), "");
  const std::string sixty(60, 'x');
  EXPECT_EQ(title_from(sixty), sixty);
}

TEST(Title, IsCutAtAWord) {
  EXPECT_EQ(title_from("The quick brown fox jumps over the lazy dog and then it does so once more"),
            "The quick brown fox jumps over the lazy dog and then it…");
  EXPECT_EQ(title_from(std::string(100, 'x')), std::string(59, 'x') + "…");
}

TEST(Title, NeverHoldsHalfACharacter) {
  std::string chinese, families, accents;
  for (int i = 0; i < 80; ++i) chinese += "记";
  for (int i = 0; i < 80; ++i) families += "👩‍👩‍👧‍👦";
  for (int i = 0; i < 3000; ++i) accents += "\u0301";
  std::string chinese_title, expected;
  for (int i = 0; i < 59; ++i) expected += "记";
  EXPECT_EQ(title_from(chinese), expected + "…");
  const std::string title = title_from(families);
  EXPECT_LE(title.size(), 500u);
  const std::string one = "👩‍👩‍👧‍👦";
  std::string_view rest = title;
  while (rest.substr(0, one.size()) == one) rest.remove_prefix(one.size());
  EXPECT_EQ(rest, "…");
  EXPECT_LE(title_from("a" + accents).size(), 500u);  // one endless character
  EXPECT_EQ(title_from("ok \u202E turned"), "ok turned");
  EXPECT_EQ(title_from("broken \xf0\x9f"), "broken \uFFFD");
}

std::vector<std::string> found(std::string_view text, std::string_view query) {
  std::vector<std::string> places;
  for (const TextRange& range : find_folded(text, fold_for_search(query))) {
    places.emplace_back(text.substr(range.begin, range.end - range.begin));
  }
  return places;
}

TEST(FindFolded, GivesTheTextAsItStands) {
  using Places = std::vector<std::string>;
  EXPECT_EQ(found("The Café, a CAFE\u0301, cafes", "café"), (Places{"Café", "CAFE\u0301", "cafe"}));
  EXPECT_EQ(found("one\n\t two one two", "one two"), (Places{"one\n\t two", "one two"}));
  EXPECT_EQ(found("aaaa", "aa"), (Places{"aa", "aa"}));
  EXPECT_EQ(found("这个模型有记忆表，记忆", "记忆"), (Places{"记忆", "记忆"}));
  EXPECT_EQ(found("straße STRASSE", "strasse"), (Places{"straße", "STRASSE"}));
  EXPECT_EQ(found("ﬁne", "f"), (Places{"ﬁ"}));  // half of a ligature is all of it
  EXPECT_EQ(found("x\xff y", "x"), (Places{"x"}));
  EXPECT_EQ(found("zebra", "horse"), Places{});
  EXPECT_EQ(found("", "x"), Places{});
}

std::string matched(const Snippet& snippet) {
  return snippet.line.substr(snippet.match.begin, snippet.match.end - snippet.match.begin);
}

TEST(Snippet, ShowsTheHitWithItsSurroundings) {
  std::string text;
  for (int i = 0; i < 100; ++i) text += "filler words ";
  text += "the Café\nitself ";
  for (int i = 0; i < 100; ++i) text += "more words ";
  const Snippet around = snippet_around(text, "cafe itself");
  const std::string& snippet = around.line;
  EXPECT_EQ(matched(around), "Café itself");
  EXPECT_NE(snippet.find("the Café itself more"), std::string::npos) << snippet;
  EXPECT_EQ(snippet.substr(0, 3), "…");
  EXPECT_EQ(snippet.substr(snippet.size() - 3), "…");
  EXPECT_LT(snippet.size(), 250u);
  EXPECT_EQ(snippet_around("short Text", "text").line, "short Text");
  EXPECT_EQ(matched(snippet_around("short Text", "text")), "Text");
  EXPECT_EQ(snippet_around("", "x").line, "");
  EXPECT_EQ(snippet_around("none here", "x").match, TextRange());
}

TEST(Snippet, CutsBetweenCharacters) {
  std::string text;
  for (int i = 0; i < 200; ++i) text += "记忆";
  text += "目标";
  for (int i = 0; i < 200; ++i) text += "é";
  const Snippet around = snippet_around(text, "目标");
  const std::string& snippet = around.line;
  EXPECT_EQ(matched(around), "目标");
  EXPECT_NE(snippet.find("目标"), std::string::npos);
  EXPECT_EQ(snippet.find("\uFFFD"), std::string::npos) << snippet;
}

}  // namespace
}  // namespace mneme
