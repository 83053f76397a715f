// SPDX-License-Identifier: Apache-2.0
#include "inference/text/tokenizer.h"

#include <algorithm>
#include <limits>

#include "base/utf8.h"
#include "inference/text/normalize.h"
#include "inference/text/tokenizer_impl.h"

namespace mneme {
namespace {

// A longer piece is cut, so that memory for merging stays bounded; real text has none near it.
constexpr std::size_t kMaxPieceBytes = std::size_t{4} << 20;

struct Range {
  std::size_t begin;
  std::size_t end;
};

}  // namespace

Tokenizer::Tokenizer(std::unique_ptr<const Impl> impl) : impl_(std::move(impl)) {}
Tokenizer::Tokenizer(Tokenizer&&) noexcept = default;
Tokenizer& Tokenizer::operator=(Tokenizer&&) noexcept = default;
Tokenizer::~Tokenizer() = default;

bool Tokenizer::Impl::encode_piece(std::string_view piece, std::size_t most,
                                   std::vector<TokenId>& out) const {
  if (pre.ignore_merges()) {
    std::string name;
    for (const char c : piece) name += byte_character(static_cast<unsigned char>(c));
    const auto it = ids.find(name);
    if (it != ids.end() && !is_special_type(types[static_cast<std::size_t>(it->second)])) {
      out.push_back(it->second);
      return out.size() <= most;
    }
  }
  std::vector<TokenId> symbols;
  symbols.reserve(piece.size());
  for (const char c : piece) {
    // A vocabulary without this byte drops it, as the published tokenizers do.
    const TokenId id = byte_ids[static_cast<unsigned char>(c)];
    if (id >= 0) symbols.push_back(id);
  }
  if (symbols.size() / token_bytes_max > most - out.size()) return false;
  merges.merge(symbols, out);
  return out.size() <= most;
}

bool Tokenizer::Impl::encode_plain(std::string_view text, std::size_t most,
                                   std::vector<TokenId>& out) const {
  std::string composed;
  if (pre.composes()) {
    composed = compose_nfc(text);
    text = composed;
  }
  return pre.split(text, [&](std::string_view piece) {
    for (; piece.size() > kMaxPieceBytes; piece.remove_prefix(kMaxPieceBytes)) {
      if (!encode_piece(piece.substr(0, kMaxPieceBytes), most, out)) return false;
    }
    return encode_piece(piece, most, out);
  });
}

std::vector<TokenId> Tokenizer::encode(std::string_view text, Specials specials) const {
  const TextPiece piece{std::string(text), specials == Specials::ignore};
  return encode(std::span(&piece, 1));
}

std::vector<TokenId> Tokenizer::encode(std::span<const TextPiece> pieces) const {
  return *encode(pieces, std::numeric_limits<std::size_t>::max());
}

std::optional<std::vector<TokenId>> Tokenizer::encode(std::span<const TextPiece> pieces,
                                                      std::size_t most) const {
  std::string text;
  std::vector<Range> ours;  // what the template wrote, neighbours joined
  for (const TextPiece& piece : pieces) {
    if (piece.text.empty()) continue;
    const std::size_t begin = text.size();
    text += replace_broken_utf8(piece.text);
    if (piece.user) continue;
    if (!ours.empty() && ours.back().end == begin) {
      ours.back().end = text.size();
    } else {
      ours.push_back({begin, text.size()});
    }
  }

  std::vector<TokenId> out;
  std::size_t done = 0;
  const auto take_plain = [&](std::size_t end) {
    const std::string_view plain = std::string_view(text).substr(done, end - done);
    done = end;
    return plain.empty() || impl_->encode_plain(plain, most, out);
  };
  const auto take_special = [&](const SpecialTokens::Match& match) {
    if (!take_plain(match.begin)) return false;
    out.push_back(match.id);
    done = match.begin + match.size;
    return out.size() <= most;
  };
  const auto search = [&](const SpecialTokens& names, Range range) {
    for (std::size_t at = range.begin; at < range.end; at = done) {
      const auto match = names.find(text, at, range.end);
      if (!match) break;
      if (!take_special(*match)) return false;
    }
    return true;
  };
  std::size_t user_begin = 0;
  for (const Range& range : ours) {
    if (!search(impl_->blanks, {user_begin, range.begin})) return std::nullopt;
    if (!search(impl_->specials, range)) return std::nullopt;
    user_begin = range.end;
  }
  if (!search(impl_->blanks, {user_begin, text.size()})) return std::nullopt;
  if (!take_plain(text.size())) return std::nullopt;
  return out;
}

void Tokenizer::append_decoded(TokenId id, std::string& out) const {
  if (is_special(id)) {
    out += vocab_text(id);
  } else {
    out += bytes_of_vocabulary_text(vocab_text(id));
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
  return out;
}

std::int32_t Tokenizer::vocab_size() const {
  return static_cast<std::int32_t>(impl_->texts.size());
}

std::string_view Tokenizer::vocab_text(TokenId id) const {
  return contains(id) ? impl_->texts[static_cast<std::size_t>(id)] : std::string_view();
}

TokenType Tokenizer::type(TokenId id) const {
  return contains(id) ? impl_->types[static_cast<std::size_t>(id)] : TokenType::unused;
}

bool Tokenizer::is_special(TokenId id) const {
  return is_special_type(type(id));
}

std::optional<TokenId> Tokenizer::find(std::string_view vocab_text) const {
  const auto it = impl_->ids.find(vocab_text);
  if (it == impl_->ids.end()) return std::nullopt;
  return it->second;
}

bool Tokenizer::is_end(TokenId id) const {
  return std::binary_search(impl_->ends.begin(), impl_->ends.end(), id);
}

const std::vector<TokenId>& Tokenizer::end_tokens() const {
  return impl_->ends;
}
const std::vector<TokenId>& Tokenizer::suppressed() const {
  return impl_->suppressed;
}
std::optional<TokenId> Tokenizer::bos() const {
  return impl_->bos;
}
std::optional<TokenId> Tokenizer::eos() const {
  return impl_->eos;
}
bool Tokenizer::adds_bos() const {
  return impl_->adds_bos;
}
std::string_view Tokenizer::pre_tokenizer() const {
  return impl_->pre_name;
}
const std::string& Tokenizer::sha256() const {
  return impl_->sha256;
}

}  // namespace mneme
