// SPDX-License-Identifier: Apache-2.0
#include "inference/text/tokenizer.h"

#include <algorithm>

#include "inference/text/byte_alphabet.h"
#include "inference/text/gguf_vocabulary.h"
#include "inference/text/tokenizer_impl.h"

namespace mneme {

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

Result<Tokenizer> Tokenizer::from_gguf(const Metadata& file) {
  auto vocabulary = read_gguf_vocabulary(file);
  if (!vocabulary) return vocabulary.error();
  return create(std::move(*vocabulary));
}

void Tokenizer::append_decoded(TokenId id, std::string& out) const {
  std::string_view text = vocab_text(id);
  if (impl_->vocab.symbols == Vocabulary::Symbols::bytes) {
    if (is_special(id)) {
      out += text;
    } else {
      out += bytes_of_vocabulary_text(text);
    }
    return;
  }
  if (type(id) == TokenType::byte) {
    if (const auto byte = byte_of_name(text)) out += static_cast<char>(*byte);
    return;
  }
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(Vocabulary::kSpace), text.size());
    out += text.substr(0, space);
    text.remove_prefix(space);
    if (text.empty()) break;
    out += ' ';
    text.remove_prefix(Vocabulary::kSpace.size());
  }
}

std::string Tokenizer::decode(TokenId id) const {
  std::string out;
  append_decoded(id, out);
  return out;
}

std::string Tokenizer::decode(std::span<const TokenId> ids) const {
  std::string out;
  for (const TokenId id : ids) append_decoded(id, out);
  if (impl_->vocab.strips_space && out.starts_with(' ')) out.erase(0, 1);
  return out;
}

std::int32_t Tokenizer::vocab_size() const {
  return static_cast<std::int32_t>(impl_->size());
}

std::string_view Tokenizer::vocab_text(TokenId id) const {
  return contains(id) ? impl_->vocab.texts[static_cast<std::size_t>(id)] : std::string_view();
}

TokenType Tokenizer::type(TokenId id) const {
  return contains(id) ? impl_->type(id) : TokenType::unused;
}

bool Tokenizer::is_special(TokenId id) const {
  return is_special_type(type(id));
}

std::optional<TokenId> Tokenizer::find(std::string_view vocab_text) const {
  const TokenId id = impl_->ids.find(vocab_text);
  return id < 0 ? std::nullopt : std::optional(id);
}

bool Tokenizer::is_end(TokenId id) const {
  return std::ranges::binary_search(impl_->vocab.ends, id);
}

const std::vector<TokenId>& Tokenizer::end_tokens() const {
  return impl_->vocab.ends;
}
const std::vector<TokenId>& Tokenizer::suppressed() const {
  return impl_->vocab.suppressed;
}
std::optional<TokenId> Tokenizer::bos() const {
  return impl_->vocab.bos;
}
std::optional<TokenId> Tokenizer::eos() const {
  return impl_->vocab.eos;
}
bool Tokenizer::adds_bos() const {
  return impl_->vocab.adds_bos;
}
std::string_view Tokenizer::pre_tokenizer() const {
  return impl_->vocab.pre ? impl_->vocab.pre->name() : std::string_view();
}
const std::string& Tokenizer::sha256() const {
  return impl_->sha256;
}

}  // namespace mneme
