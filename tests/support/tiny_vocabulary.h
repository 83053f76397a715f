// SPDX-License-Identifier: Apache-2.0
// A byte-level BPE vocabulary of 256 bytes and whatever a test adds, as the bytes of a GGUF file.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "inference/text/tokenizer.h"

namespace mneme {

class TinyVocabulary {
 public:
  explicit TinyVocabulary(std::string model = "gpt2", std::string pre = "gpt-2");

  TokenId add(std::string text, TokenType type = TokenType::normal);
  TokenId add_end();  // a special token that ends an answer
  // Vocabulary form; the merged token is added where it is missing.
  TinyVocabulary& merge(const std::string& left, const std::string& right);
  TinyVocabulary& raw_merge(std::string line);
  void set(std::string key, std::uint32_t value);
  void set_text(std::string key, std::string value);

  std::string gguf() const;
  Tokenizer tokenizer() const;  // that file's; it must be a right one

 private:
  std::string model_;
  std::string pre_;
  std::vector<std::string> texts_;
  std::vector<std::int32_t> types_;
  std::vector<std::string> merges_;
  std::vector<std::pair<std::string, std::uint32_t>> numbers_;
  std::vector<std::pair<std::string, std::string>> strings_;
};

}  // namespace mneme
