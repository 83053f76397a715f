// SPDX-License-Identifier: Apache-2.0
#include "engram/compressed_vocab.h"

#include <gtest/gtest.h>

#include <random>

namespace mneme {
namespace {

std::string key_of(std::string_view decoded) {
  const auto key = class_key(decoded, "RAW");
  EXPECT_TRUE(key);
  return key ? *key : std::string();
}

TEST(CompressedVocab, FoldsCaseAccentsWidthAndBlanks) {
  EXPECT_EQ(key_of(" Apple"), "apple");
  EXPECT_EQ(key_of("\u00c9T\u00c9"), "ete");
  EXPECT_EQ(key_of("\uff21\uff22"), "ab");
  EXPECT_EQ(key_of("a \t\r\n b"), "a b");
  EXPECT_EQ(key_of("a \u0301 b"), "a b");  // the mark goes first, then the run of blanks is one
  EXPECT_EQ(key_of("\u00a0\u3000\n"), " ");
  EXPECT_EQ(key_of("\u2028x\u0085"), "x");
  EXPECT_EQ(key_of("x\u200b"), "x\u200b");  // zero width space is no White_Space
  EXPECT_EQ(key_of("\U0001d400"), "a");     // outside the basic plane
  EXPECT_EQ(key_of(std::string_view("a\0B", 3)), std::string("a\0b", 3));
}

TEST(CompressedVocab, SpecialCasesOfLowerCase) {
  EXPECT_EQ(key_of("\u03a3\u0391\u03a3"), "\u03c3\u03b1\u03c3");  // no final sigma
  EXPECT_EQ(key_of("\u1e9e"), "\u00df");                          // capital sharp s
  EXPECT_EQ(key_of("\u0130"), "i");
  EXPECT_EQ(key_of("\u01c5"), "dz");  // the caron is a mark after NFD
}

TEST(CompressedVocab, WhatIsNoTextKeepsTheRawString) {
  EXPECT_EQ(key_of("\xe4"), "RAW");
  EXPECT_EQ(key_of("a\xc0\x80"), "RAW");         // overlong
  EXPECT_EQ(key_of("\xed\xa0\x80"), "RAW");      // surrogate
  EXPECT_EQ(key_of("\xf4\x90\x80\x80"), "RAW");  // beyond U+10FFFF
  EXPECT_EQ(key_of("a\ufffd"), "RAW");
}

TEST(CompressedVocab, WhatNormalisesToNothingKeepsItself) {
  EXPECT_EQ(key_of("\x0b"), "\x0b");
  EXPECT_EQ(key_of("\x0c"), "\x0c");
  EXPECT_EQ(key_of("\u0301"), "\u0301");
  EXPECT_EQ(key_of(""), "");
}

TEST(CompressedVocab, NumbersClassesByFirstAppearance) {
  CompressedVocab vocab;
  for (const char* text : {"b", "a", "B", " A ", "c"}) ASSERT_TRUE(vocab.add(text, text));
  EXPECT_EQ(vocab.add_distinct(), 3);
  ASSERT_TRUE(vocab.add("C", "C"));
  EXPECT_EQ(vocab.map(), (std::vector<ClassId>{0, 1, 0, 1, 2, 3, 2}));
  EXPECT_EQ(vocab.class_count(), 4);
}

TEST(CompressedVocab, RawAndTextKeysShareOneDictionary) {
  CompressedVocab vocab;
  ASSERT_TRUE(vocab.add("a", "x"));
  ASSERT_TRUE(vocab.add("\xe4", "a"));
  EXPECT_EQ(vocab.class_count(), 1);
}

TEST(CompressedVocab, AnyBytesGiveAKeyAndKeysAreStable) {
  std::mt19937 random(3);
  for (int round = 0; round < 5000; ++round) {
    std::string bytes(random() % 12, '\0');
    for (char& b : bytes) b = static_cast<char>(random() % 3 == 0 ? 'A' + random() % 26 : random());
    const std::string key = key_of(bytes);
    EXPECT_EQ(key, key_of(bytes));
    if (key == "RAW" || key == bytes) continue;
    EXPECT_EQ(key_of(key), key) << bytes;
  }
}

}  // namespace
}  // namespace mneme
