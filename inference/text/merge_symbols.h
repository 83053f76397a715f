// SPDX-License-Identifier: Apache-2.0
// Merges the symbols of a piece of text: again and again the pair of neighbours with the lowest
// rank, of equals the leftmost. Which pairs merge says the caller's `find`. Time is n log n in the
// length of a piece, however hostile.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <limits>
#include <queue>
#include <span>
#include <vector>

#include "base/check.h"
#include "base/ids.h"

namespace mneme {

struct MergeSymbol {
  TokenId id = -1;  // -1: its text is no token
  std::uint32_t begin = 0;
  std::uint32_t end = 0;  // where its right neighbour begins
};

inline constexpr std::uint32_t kNeverMerges = std::numeric_limits<std::uint32_t>::max();

struct Merge {
  std::uint32_t rank = kNeverMerges;
  TokenId id = -1;
};

inline constexpr std::size_t kFewSymbols = 48;  // up to here looking at all of them is quickest

// Both: find(left, right) -> Merge; take(symbol) gets what is left, in order. `symbols` are used
// up.
template <class Find, class Take>
void merge_few(std::span<MergeSymbol> symbols, const Find& find, const Take& take) {
  CHECK(symbols.size() <= kFewSymbols);
  std::array<Merge, kFewSymbols> with_next;
  std::size_t count = symbols.size();
  for (std::size_t i = 0; i + 1 < count; ++i) with_next[i] = find(symbols[i], symbols[i + 1]);
  while (count > 1) {
    std::size_t best = 0;
    for (std::size_t i = 1; i + 1 < count; ++i) {
      if (with_next[i].rank < with_next[best].rank) best = i;
    }
    if (with_next[best].rank == kNeverMerges) break;
    symbols[best] = {with_next[best].id, symbols[best].begin, symbols[best + 1].end};
    --count;
    for (std::size_t i = best + 1; i < count; ++i) {
      symbols[i] = symbols[i + 1];
      with_next[i - 1] = with_next[i];
    }
    if (best > 0) with_next[best - 1] = find(symbols[best - 1], symbols[best]);
    if (best + 1 < count) with_next[best] = find(symbols[best], symbols[best + 1]);
  }
  for (std::size_t i = 0; i < count; ++i) take(symbols[i]);
}

template <class Find, class Take>
void merge_many(std::span<MergeSymbol> symbols, const Find& find, const Take& take) {
  CHECK(symbols.size() < 0x7fffffff);
  struct Links {
    std::int32_t previous;  // index, -1 = none
    std::int32_t next;      // index, -1 = none
  };
  struct Candidate {
    std::uint32_t rank;
    std::int32_t at;    // index of the left symbol
    std::uint32_t mid;  // where it ended, and the right one
    std::uint32_t end;
    TokenId id;
    bool operator<(const Candidate& other) const {
      return rank != other.rank ? rank > other.rank : at > other.at;
    }
  };
  const auto count = static_cast<std::int32_t>(symbols.size());
  const auto symbol = [symbols](std::int32_t i) -> MergeSymbol& {
    return symbols[static_cast<std::size_t>(i)];
  };
  std::vector<Links> chain(symbols.size());
  const auto links = [&chain](std::int32_t i) -> Links& {
    return chain[static_cast<std::size_t>(i)];
  };
  for (std::int32_t i = 0; i < count; ++i) links(i) = {i - 1, i + 1 < count ? i + 1 : -1};
  std::priority_queue<Candidate> queue;
  const auto propose = [&](std::int32_t left) {
    if (left < 0 || links(left).next < 0) return;
    const MergeSymbol& right = symbol(links(left).next);
    const Merge merge = find(symbol(left), right);
    if (merge.rank != kNeverMerges) {
      queue.push({merge.rank, left, symbol(left).end, right.end, merge.id});
    }
  };
  for (std::int32_t i = 0; i + 1 < count; ++i) propose(i);
  while (!queue.empty()) {
    const Candidate best = queue.top();
    queue.pop();
    MergeSymbol& left = symbol(best.at);
    const std::int32_t right = links(best.at).next;
    // Either neighbour may have changed since, or be gone: then its end is another.
    if (right < 0 || left.end != best.mid || symbol(right).end != best.end) continue;
    left.id = best.id;
    left.end = best.end;
    symbol(right).end = symbol(right).begin;
    links(best.at).next = links(right).next;
    if (links(right).next >= 0) links(links(right).next).previous = best.at;
    propose(links(best.at).previous);
    propose(best.at);
  }
  for (std::int32_t i = 0; i >= 0 && i < count; i = links(i).next) take(symbol(i));
}

template <class Find, class Take>
void merge_symbols(std::span<MergeSymbol> symbols, const Find& find, const Take& take) {
  if (symbols.size() <= kFewSymbols) {
    merge_few(symbols, find, take);
  } else {
    merge_many(symbols, find, take);
  }
}

}  // namespace mneme
