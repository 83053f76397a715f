// SPDX-License-Identifier: Apache-2.0
// A text as the cache sees it: which n-gram is asked for, one after another. Distinct n-grams are
// numbered, so that a simulator may keep arrays instead of hash tables.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/ngram_hasher.h"
#include "engram/ngram_key.h"

namespace mneme {

struct KeyStream {
  std::string name;
  std::uint64_t tokens = 0;
  std::vector<std::uint32_t> accesses;  // [tokens, orders]: numbers of n-grams, orders 2..N
  std::vector<NgramKey> keys;           // [distinct n-grams]

  std::size_t orders() const { return tokens == 0 ? 0 : accesses.size() / tokens; }
};

// Every document begins with an empty context, as a chat does.
KeyStream make_key_stream(std::string name, const NgramHasher& hasher,
                          std::span<const std::vector<TokenId>> documents);

// Hashes of the shape that DeepSeek-V4.1-Flash has, over any vocabulary: orders 2 to 4, 8 heads,
// layers 1 and 14, one bucket of `bucket_rows` (a prime near it) per order and head. Errors: those
// of derive_hash and NgramHasher::create.
constexpr std::uint64_t kV41BucketRows = 16'000'000;
constexpr std::uint32_t kV41RowBytes = 264;  // 256 values of e4m3 and 8 scales of e8m0
Result<NgramHasher> make_v41_hasher(std::vector<ClassId> token_map, ClassId pad_class,
                                    std::uint64_t bucket_rows);

// The same for tables that fill `bytes` together, over a vocabulary of their own.
Result<NgramHasher> make_scratch_hasher(std::uint64_t bytes);

}  // namespace mneme
