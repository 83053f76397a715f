// SPDX-License-Identifier: Apache-2.0
#include <algorithm>
#include <array>
#include <limits>

#include "base/utf8.h"
#include "inference/text/byte_alphabet.h"
#include "inference/text/merge_symbols.h"
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

// Bytes of the character that begins with this byte of valid UTF-8.
std::size_t character_bytes(char first) {
  const auto byte = static_cast<unsigned char>(first);
  return byte < 0x80 ? 1 : byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4;
}

// Where a piece of at most kMaxPieceBytes ends, between characters.
std::size_t bounded_end(std::string_view text, std::size_t begin, std::size_t end) {
  if (end - begin <= kMaxPieceBytes) return end;
  end = begin + kMaxPieceBytes;
  while ((static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return end;
}

// Symbols of a piece, without memory of their own where there are few.
class Symbols {
 public:
  explicit Symbols(std::size_t most) {
    if (most > few_.size()) many_.resize(most);
  }
  void add(TokenId id, std::size_t begin, std::size_t end) {
    (many_.empty() ? few_.data() : many_.data())[count_++] = {id, static_cast<std::uint32_t>(begin),
                                                              static_cast<std::uint32_t>(end)};
  }
  std::span<MergeSymbol> all() { return {many_.empty() ? few_.data() : many_.data(), count_}; }

 private:
  std::array<MergeSymbol, kFewSymbols> few_;
  std::vector<MergeSymbol> many_;
  std::size_t count_ = 0;
};

bool is_white(char c) {
  return c == ' ' || (c >= '\t' && c <= '\r');
}

std::string with_marked_spaces(std::string_view text, bool space_in_front) {
  std::string marked;
  marked.reserve(text.size() + text.size() / 2);
  if (space_in_front) marked += Vocabulary::kSpace;
  while (!text.empty()) {
    const std::size_t space = std::min(text.find(' '), text.size());
    marked += text.substr(0, space);
    text.remove_prefix(space);
    if (text.empty()) break;
    marked += Vocabulary::kSpace;
    text.remove_prefix(1);
  }
  return marked;
}

// A class of characters for Joints: ASCII each its own, the space as its mark, and all others.
std::size_t joint_class(std::string_view text, std::size_t at) {
  const auto first = static_cast<unsigned char>(text[at]);
  if (first < 0x80) return first;
  return text.substr(at).starts_with(Vocabulary::kSpace) ? ' ' : 0;
}

}  // namespace

void Joints::add(std::string_view token) {
  if (token.empty()) return;
  std::size_t last = joint_class(token, 0);
  for (std::size_t at = 1; at < token.size(); ++at) {
    if ((static_cast<unsigned char>(token[at]) & 0xc0) == 0x80) continue;
    const std::size_t next = joint_class(token, at);
    joined_[last][next] = true;
    last = next;
  }
}

std::size_t Joints::part_end(std::string_view text, std::size_t begin) const {
  std::size_t last = joint_class(text, begin);
  std::size_t at = begin + character_bytes(text[begin]);
  while (at < text.size()) {
    const std::size_t next = joint_class(text, at);
    if (!joined_[last][next]) break;
    last = next;
    at += character_bytes(text[at]);
  }
  return at;
}

TokenId Tokenizer::Impl::find_whole(std::string_view piece) const {
  constexpr std::size_t kFew = 128;
  std::array<char, 2 * kFew> few;
  if (piece.size() > kFew) {
    std::string name;
    for (const char c : piece) name += byte_character(static_cast<unsigned char>(c));
    return ids.find(name);
  }
  std::size_t size = 0;
  for (const char c : piece) {
    for (const char part : byte_character(static_cast<unsigned char>(c))) few[size++] = part;
  }
  return ids.find(std::string_view(few.data(), size));
}

bool Tokenizer::Impl::encode_bytes(std::string_view piece, std::size_t most,
                                   std::vector<TokenId>& out) const {
  if (vocab.ignore_merges) {
    const TokenId whole = find_whole(piece);
    if (whole >= 0 && !is_special_type(type(whole))) {
      out.push_back(whole);
      return out.size() <= most;
    }
  }
  Symbols symbols(piece.size());
  for (std::size_t at = 0; at < piece.size(); ++at) {
    // A vocabulary without this byte drops it, as the published tokenizers do.
    const TokenId id = byte_ids[static_cast<unsigned char>(piece[at])];
    const std::size_t begin = symbols.all().size();
    if (id >= 0) symbols.add(id, begin, begin + 1);
  }
  if (symbols.all().size() / token_bytes_max > most - out.size()) return false;
  merge_symbols(
      symbols.all(),
      [this](const MergeSymbol& left, const MergeSymbol& right) {
        return merges.find(left.id, right.id);
      },
      [&out](const MergeSymbol& symbol) { out.push_back(symbol.id); });
  return out.size() <= most;
}

void Tokenizer::Impl::add_unknown(std::string_view text, std::vector<TokenId>& out) const {
  const bool known = std::ranges::all_of(
      text, [this](char c) { return byte_ids[static_cast<unsigned char>(c)] >= 0; });
  if (known) {
    for (const char c : text) out.push_back(byte_ids[static_cast<unsigned char>(c)]);
  } else if (vocab.unknown && (out.empty() || out.back() != *vocab.unknown)) {
    out.push_back(*vocab.unknown);  // one for several that follow each other
  }
}

bool Tokenizer::Impl::encode_characters(std::string_view part, std::size_t most,
                                        std::vector<TokenId>& out) const {
  if (has_all_bytes && part.size() / token_bytes_max > most - out.size()) return false;
  Symbols symbols(part.size());
  for (std::size_t at = 0; at < part.size();) {
    const std::size_t end = at + character_bytes(part[at]);
    const TokenId id = ids.find(part.substr(at, end - at));
    symbols.add(id >= 0 && is_ordinary(id) ? id : -1, at, end);
    at = end;
  }
  const auto take = [&](const MergeSymbol& symbol) {
    if (symbol.id >= 0) {
      out.push_back(symbol.id);
    } else {
      add_unknown(part.substr(symbol.begin, symbol.end - symbol.begin), out);
    }
  };
  if (ranks.empty()) {
    merge_symbols(
        symbols.all(),
        [this](const MergeSymbol& left, const MergeSymbol& right) {
          return merges.find(left.id, right.id);
        },
        take);
  } else {
    merge_symbols(
        symbols.all(),
        [this, part](const MergeSymbol& left, const MergeSymbol& right) {
          const TokenId id = ids.find(part.substr(left.begin, right.end - left.begin));
          return id < 0 ? Merge() : Merge{ranks[static_cast<std::size_t>(id)], id};
        },
        take);
  }
  return out.size() <= most;
}

bool Tokenizer::Impl::encode_piece(std::string_view piece, std::size_t most, PieceCache& cache,
                                   std::vector<TokenId>& out) const {
  if (cache.append(piece, out)) return out.size() <= most;
  const std::size_t before = out.size();
  const bool bytes = vocab.symbols == Vocabulary::Symbols::bytes;
  if (!(bytes ? encode_bytes(piece, most, out) : encode_characters(piece, most, out))) return false;
  // Unknown tokens are one with those in front.
  if (bytes || has_all_bytes) cache.keep(piece, std::span(out).subspan(before));
  return true;
}

bool Tokenizer::Impl::encode_plain(std::string_view text, bool at_start, std::size_t most,
                                   PieceCache& cache, std::vector<TokenId>& out) const {
  std::string composed;
  if (vocab.composes) {
    composed = compose_nfc(text);
    text = composed;
  }
  if (vocab.symbols == Vocabulary::Symbols::bytes) {
    return vocab.pre->split(text, [&](std::string_view piece) {
      for (; piece.size() > kMaxPieceBytes; piece.remove_prefix(kMaxPieceBytes)) {
        if (!encode_piece(piece.substr(0, kMaxPieceBytes), most, cache, out)) return false;
      }
      return encode_piece(piece, most, cache, out);
    });
  }
  using AddedSpace = Vocabulary::AddedSpace;
  const bool space = vocab.added_space == AddedSpace::always ||
                     (vocab.added_space == AddedSpace::at_start && at_start);
  const std::string marked = with_marked_spaces(text, space);
  for (std::size_t begin = 0; begin < marked.size();) {
    const std::size_t end = bounded_end(marked, begin, joints.part_end(marked, begin));
    const std::string_view part = std::string_view(marked).substr(begin, end - begin);
    if (!encode_piece(part, most, cache, out)) return false;
    begin = end;
  }
  return true;
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
  PieceCache cache(text.size());
  std::size_t done = 0;
  const auto take_plain = [&](std::size_t end) {
    const std::string_view plain = std::string_view(text).substr(done, end - done);
    const bool at_start = done == 0;
    done = end;
    return plain.empty() || impl_->encode_plain(plain, at_start, most, cache, out);
  };
  const auto take_special = [&](const SpecialTokens::Match& match, std::size_t range_end) {
    std::size_t begin = match.begin;
    std::size_t end = match.begin + match.size;
    while (match.strips_left && begin > done && is_white(text[begin - 1])) --begin;
    while (match.strips_right && end < range_end && is_white(text[end])) ++end;
    if (!take_plain(begin)) return false;
    out.push_back(match.id);
    done = end;
    return out.size() <= most;
  };
  const auto search = [&](const SpecialTokens& names, Range range) {
    for (std::size_t at = range.begin; at < range.end; at = done) {
      const auto match = names.find(text, at, range.end);
      if (!match) break;
      if (!take_special(*match, range.end)) return false;
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

}  // namespace mneme
