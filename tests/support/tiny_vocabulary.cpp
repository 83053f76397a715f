// SPDX-License-Identifier: Apache-2.0
#include "tests/support/tiny_vocabulary.h"

#include <algorithm>
#include <span>

#include "base/check.h"
#include "inference/files/gguf_writer.h"
#include "inference/text/byte_alphabet.h"

namespace mneme {

TinyVocabulary::TinyVocabulary(std::string model, std::string pre)
    : model_(std::move(model)), pre_(std::move(pre)) {
  for (int byte = 0; byte < 256; ++byte) add(byte_character(static_cast<unsigned char>(byte)));
}

TokenId TinyVocabulary::add(std::string text, TokenType type) {
  texts_.push_back(std::move(text));
  types_.push_back(static_cast<std::int32_t>(type));
  return static_cast<TokenId>(texts_.size() - 1);
}

TokenId TinyVocabulary::add_end() {
  const TokenId end = add("<|im_end|>", TokenType::control);
  set("tokenizer.ggml.eos_token_id", static_cast<std::uint32_t>(end));
  return end;
}

TinyVocabulary& TinyVocabulary::merge(const std::string& left, const std::string& right) {
  const std::string merged = left + right;
  if (std::find(texts_.begin(), texts_.end(), merged) == texts_.end()) add(merged);
  return raw_merge(left + " " + right);
}

TinyVocabulary& TinyVocabulary::raw_merge(std::string line) {
  merges_.push_back(std::move(line));
  return *this;
}

void TinyVocabulary::set(std::string key, std::uint32_t value) {
  numbers_.emplace_back(std::move(key), value);
}

void TinyVocabulary::set_text(std::string key, std::string value) {
  strings_.emplace_back(std::move(key), std::move(value));
}

std::string TinyVocabulary::gguf() const {
  GgufWriter writer;
  writer.add_string("tokenizer.ggml.model", model_);
  writer.add_string("tokenizer.ggml.pre", pre_);
  writer.add_strings("tokenizer.ggml.tokens", std::span<const std::string>(texts_));
  writer.add_i32s("tokenizer.ggml.token_type", types_);
  writer.add_strings("tokenizer.ggml.merges", std::span<const std::string>(merges_));
  for (const auto& [key, value] : numbers_) writer.add_u32(key, value);
  for (const auto& [key, value] : strings_) writer.add_string(key, value);
  return writer.head();
}

Tokenizer TinyVocabulary::tokenizer() const {
  const std::string bytes = gguf();
  auto file = GgufFile::parse(std::as_bytes(std::span(bytes)), "tiny.gguf");
  CHECK(file);
  auto tokenizer = Tokenizer::from_gguf(file->metadata());
  CHECK(tokenizer);
  return std::move(*tokenizer);
}

}  // namespace mneme
