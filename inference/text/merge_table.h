// SPDX-License-Identifier: Apache-2.0
// The pairs of tokens that merge. Immutable after the last add: any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "inference/text/merge_symbols.h"

namespace mneme {

class MergeTable {
 public:
  explicit MergeTable(std::size_t merges_max);

  // Of a pair given twice the first (lower rank) stays.
  void add(TokenId left, TokenId right, Merge merge);
  Merge find(TokenId left, TokenId right) const;

 private:
  struct Slot {
    std::uint64_t key = kEmpty;
    Merge merge;
  };
  static constexpr std::uint64_t kEmpty = ~std::uint64_t{0};
  std::size_t slot_of(std::uint64_t key) const;

  std::uint64_t seed_;
  std::vector<Slot> slots_;  // open addressing; at most half full
  std::size_t mask_ = 0;
};

}  // namespace mneme
