// SPDX-License-Identifier: Apache-2.0
#include "inference/text/piece_cache.h"

#include <algorithm>

#include "inference/text/text_hash.h"

namespace mneme {

PieceCache::PieceCache(std::size_t text_bytes)
    : seed_(hash_seed()), entries_(text_bytes < kEntries ? 0 : kEntries) {}

std::size_t PieceCache::place(std::string_view piece) const {
  return hash_text(seed_, piece) % kEntries;
}

bool PieceCache::append(std::string_view piece, std::vector<TokenId>& out) const {
  if (entries_.empty() || piece.size() > kMaxBytes) return false;
  const Entry& entry = entries_[place(piece)];
  if (std::string_view(entry.text.data(), entry.size) != piece) return false;
  out.insert(out.end(), entry.tokens.begin(), entry.tokens.begin() + entry.count);
  return true;
}

void PieceCache::keep(std::string_view piece, std::span<const TokenId> tokens) {
  if (entries_.empty() || piece.size() > kMaxBytes || tokens.size() > kMaxTokens) return;
  Entry& entry = entries_[place(piece)];
  std::ranges::copy(tokens, entry.tokens.begin());
  std::ranges::copy(piece, entry.text.begin());
  entry.count = static_cast<std::uint8_t>(tokens.size());
  entry.size = static_cast<std::uint8_t>(piece.size());
}

}  // namespace mneme
