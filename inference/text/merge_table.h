// SPDX-License-Identifier: Apache-2.0
// The merges of a byte-level BPE vocabulary and the merging itself. Time is n log n in the length
// of a piece, however hostile. Immutable after the last add: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace mneme {

class MergeTable {
 public:
  explicit MergeTable(std::size_t merges_max);

  // Of a pair given twice the first (lower rank) stays.
  void add(TokenId left, TokenId right, std::uint32_t rank, TokenId merged);

  // Merges the symbols of one piece and appends the tokens to `out`.
  void merge(std::span<const TokenId> symbols, std::vector<TokenId>& out) const;

 private:
  struct Slot {
    std::uint64_t key = kEmpty;
    std::uint32_t rank = 0;
    TokenId merged = 0;
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  const Slot* find(TokenId left, TokenId right) const;
  std::size_t slot_of(std::uint64_t key) const;

  std::uint64_t seed_;
  std::vector<Slot> slots_;  // open addressing; at most half full
  std::size_t mask_ = 0;
};

}  // namespace mneme
