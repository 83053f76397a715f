// SPDX-License-Identifier: Apache-2.0
// Row addresses of Qwen3.8-Flash-Next's per-layer n-gram embedding, a relative of Engram: raw token
// ids, splitmix64 multipliers, consecutive primes, and a left context that ends at EOS. Addresses
// only; pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace mneme {

// [max_ngram_size]; `ple_index` counts the layers that have such an embedding from 0.
std::vector<std::uint64_t> qwen_multipliers(std::int32_t vocab_size, std::int32_t max_ngram_size,
                                            std::int32_t ple_index, std::uint64_t seed);

// [columns] primes from `base` (2 to 2^44) on; a later layer goes on where the one before stopped.
std::vector<std::uint64_t> qwen_bucket_sizes(std::uint64_t base, std::size_t columns,
                                             std::int32_t ple_index);

struct QwenHash {
  std::vector<std::uint64_t> multipliers;   // [N]
  std::vector<std::uint64_t> bucket_sizes;  // [(N-1)*H], order-major, head-minor
  TokenId eos = 0;
};

// Rows of the n-grams that end at `position`, out.size() == bucket_sizes.size(). A look-back never
// crosses an EOS: what lies before the segment reads as EOS; an EOS belongs to the segment it ends.
void qwen_rows_at(const QwenHash& hash, std::span<const TokenId> tokens, std::size_t position,
                  std::span<RowId> out);

}  // namespace mneme
