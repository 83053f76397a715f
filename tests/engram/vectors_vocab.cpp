// SPDX-License-Identifier: Apache-2.0
// Sections about tokenizer compression.
#include <array>
#include <map>
#include <sstream>

#include "base/sha256.h"
#include "engram/compressed_vocab.h"
#include "vectors_file.h"

namespace mneme {
namespace {

// The bytes behind a byte-level vocabulary string, or the string itself where it is none.
std::string decode_byte_level(const std::string& raw) {
  static const std::map<char32_t, char> alphabet = [] {
    std::map<char32_t, char> table;
    char32_t extra = 256;
    for (int b = 0; b < 256; ++b) {
      const bool printable = (b >= 33 && b < 127) || (b >= 161 && b < 173) || b >= 174;
      table[printable ? static_cast<char32_t>(b) : extra++] = static_cast<char>(b);
    }
    return table;
  }();
  std::string bytes;
  for (std::size_t i = 0; i < raw.size();) {
    const auto lead = static_cast<unsigned char>(raw[i]);
    const std::size_t length = lead < 0x80 ? 1 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : 4;
    if (length > 2) return raw;  // the alphabet ends at U+0143
    const char32_t c =
        length == 1 ? lead : (lead & 0x1fu) << 6 | (static_cast<unsigned char>(raw[i + 1]) & 0x3fu);
    const auto found = alphabet.find(c);
    if (found == alphabet.end()) return raw;
    bytes.push_back(found->second);
    i += length;
  }
  return bytes;
}

template <class T>
std::string digest(const std::vector<ClassId>& map) {
  const std::vector<T> widened(map.begin(), map.end());
  return sha256_hex(std::as_bytes(std::span(widened)));
}

TEST(vectors_token_map_synthetic, MergesAsSpecified) {
  SECTION_OR_SKIP(section, "token_map_synthetic");
  CompressedVocab vocab;
  for (const Json& token : section.at("tokens")) {
    const std::string decoded = token.at("decoded");
    const std::string raw = token.at("raw");
    const auto key = class_key(decoded, raw);
    ASSERT_TRUE(key);
    EXPECT_EQ(*key, token.at("key").get<std::string>()) << raw;
    ASSERT_TRUE(vocab.add(decoded, raw));
  }
  EXPECT_EQ(vocab.map(), section.at("map").get<std::vector<ClassId>>());
  EXPECT_EQ(vocab.class_count(), section.at("classes").get<ClassId>());
}

TEST(vectors_token_map_deepseek_v3, WholeVocabularyGivesThePublishedDigests) {
  SECTION_OR_SKIP(section, "token_map_deepseek_v3");
  std::istringstream lines(read_test_file("deepseek_v3_vocabulary.txt"));
  CompressedVocab vocab;
  std::vector<std::string> raws;
  std::size_t undecodable = 0;
  for (std::string raw; std::getline(lines, raw);) {
    const std::string decoded = decode_byte_level(raw);
    // A key equal to the raw string where the text is another tells an undecodable token.
    const auto key = class_key(decoded, "\x01");
    ASSERT_TRUE(key);
    undecodable += *key == "\x01" && decoded != "\x01";
    ASSERT_TRUE(vocab.add(decoded, raw));
    raws.push_back(raw);
  }
  ASSERT_EQ(vocab.map().size(), section.at("tokens").get<std::size_t>());
  EXPECT_EQ(vocab.class_count(), section.at("classes").get<ClassId>());
  EXPECT_EQ(undecodable, section.at("undecodable").get<std::size_t>());
  EXPECT_EQ(digest<std::int32_t>(vocab.map()), section.at("sha256_int32_le"));
  EXPECT_EQ(digest<std::int64_t>(vocab.map()), section.at("sha256_int64_le"));
  for (const Json& sample : section.at("samples")) {
    const auto id = sample.at("id").get<std::size_t>();
    EXPECT_EQ(raws[id], sample.at("raw").get<std::string>());
    const auto key = class_key(decode_byte_level(raws[id]), raws[id]);
    ASSERT_TRUE(key);
    EXPECT_EQ(*key, sample.at("key").get<std::string>());
    EXPECT_EQ(vocab.map()[id], sample.at("compressed").get<ClassId>());
  }

  std::vector<std::size_t> spaces;
  const ClassId space = vocab.map()[section.at("space_class_first_members").at(0)];
  for (std::size_t id = 0; id < vocab.map().size(); ++id) {
    if (vocab.map()[id] == space) spaces.push_back(id);
  }
  EXPECT_EQ(spaces.size(), section.at("space_class_size").get<std::size_t>());
  const std::size_t named = section.at("space_class_first_members").size();
  ASSERT_LE(named, spaces.size());
  EXPECT_EQ(std::vector<std::size_t>(spaces.begin(), spaces.begin() + static_cast<long>(named)),
            section.at("space_class_first_members").get<std::vector<std::size_t>>());

  // V4.1: the same map, then padding tokens that are each a class.
  while (vocab.map().size() < section.at("v41_tokens").get<std::size_t>()) vocab.add_distinct();
  EXPECT_EQ(vocab.class_count(), section.at("v41_classes").get<ClassId>());
  EXPECT_EQ(digest<std::int32_t>(vocab.map()), section.at("v41_sha256_int32_le"));
  EXPECT_EQ(digest<std::int64_t>(vocab.map()), section.at("v41_sha256_int64_le"));
  EXPECT_EQ(vocab.map(), token_map_v41());
}

}  // namespace
}  // namespace mneme
