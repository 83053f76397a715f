// SPDX-License-Identifier: Apache-2.0
// The tokens of the short pieces that a text had last: words come again and again. Of one encoding;
// one thread.
#pragma once

#include <array>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace mneme {

class PieceCache {
 public:
  // Without memory for texts so short that nothing would be gained.
  explicit PieceCache(std::size_t text_bytes);

  // False: not here. Else its tokens are behind `out`.
  bool append(std::string_view piece, std::vector<TokenId>& out) const;
  void keep(std::string_view piece, std::span<const TokenId> tokens);

 private:
  static constexpr std::size_t kEntries = 4096;
  static constexpr std::size_t kMaxBytes = 22;
  static constexpr std::size_t kMaxTokens = 8;
  struct Entry {
    std::array<TokenId, kMaxTokens> tokens;
    std::uint8_t count = 0;
    std::uint8_t size = 0;  // 0: empty
    std::array<char, kMaxBytes> text;
  };
  std::size_t place(std::string_view piece) const;

  std::uint64_t seed_;
  std::vector<Entry> entries_;  // a piece has one place; who comes later has it
};

}  // namespace mneme
