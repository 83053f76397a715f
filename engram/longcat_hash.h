// SPDX-License-Identifier: Apache-2.0
// Row addresses of LongCat-Flash-Lite's n-gram input embedding, a relative of Engram: one table for
// each order and split, a polynomial of raw token ids modulo an odd size. Addresses only.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace mneme {

struct LongcatHash {
  std::uint64_t vocab_size = 0;
  std::uint64_t ratio = 0;          // rows of a table over the vocabulary size
  std::int32_t max_ngram_size = 0;  // N
  std::int32_t split_count = 0;
};

// [(N-1)*splits] rows of each table, order-major: ratio*vocab + 2i + 1.
std::vector<std::uint64_t> longcat_table_sizes(const LongcatHash& hash);

// The row in each table of the n-grams that end at `position`; out as longcat_table_sizes. The span
// begins where the context does (the vendor resets it at EOS); what is missing reads as 0.
void longcat_rows_at(const LongcatHash& hash, std::span<const TokenId> tokens, std::size_t position,
                     std::span<RowId> out);

}  // namespace mneme
