// SPDX-License-Identifier: Apache-2.0
#include "engram/longcat_hash.h"

#include "base/check.h"

namespace mneme {
namespace {

std::size_t table_count(const LongcatHash& hash) {
  CHECK(hash.max_ngram_size >= 2 && hash.split_count >= 1);
  return static_cast<std::size_t>(hash.max_ngram_size - 1) *
         static_cast<std::size_t>(hash.split_count);
}

std::uint64_t table_size(const LongcatHash& hash, std::size_t table) {
  return hash.ratio * hash.vocab_size + 2 * table + 1;
}

}  // namespace

std::vector<std::uint64_t> longcat_table_sizes(const LongcatHash& hash) {
  std::vector<std::uint64_t> sizes(table_count(hash));
  for (std::size_t i = 0; i < sizes.size(); ++i) sizes[i] = table_size(hash, i);
  return sizes;
}

void longcat_rows_at(const LongcatHash& hash, std::span<const TokenId> tokens, std::size_t position,
                     std::span<RowId> out) {
  CHECK(position < tokens.size() && out.size() == table_count(hash));
  __extension__ using Word = unsigned __int128;
  for (std::size_t i = 0; i < out.size(); ++i) {
    const std::uint64_t size = table_size(hash, i);
    const std::size_t order = 2 + i / static_cast<std::size_t>(hash.split_count);
    std::uint64_t row = 0;
    std::uint64_t power = 1 % size;  // vocab^back mod size
    for (std::size_t back = 0; back < order && back <= position; ++back) {
      CHECK(tokens[position - back] >= 0);
      const Word term = static_cast<Word>(tokens[position - back]) * power;
      row = static_cast<std::uint64_t>((row + term) % size);
      power = static_cast<std::uint64_t>(static_cast<Word>(power) * hash.vocab_size % size);
    }
    out[i] = row;
  }
}

}  // namespace mneme
