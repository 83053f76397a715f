// SPDX-License-Identifier: Apache-2.0
// The hash constants of found tables: checked against each other, against the tables and against
// the rule of the published model that they look like. Used by the table_files_*.cpp only.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/result.h"
#include "engram/hash_spec.h"
#include "inference/tables/table_files.h"

namespace mneme {

// What a file says, layer-major; empty vectors where it says nothing.
struct StatedHash {
  std::vector<std::int32_t> layer_ids;  // may list fewer layers than the file has
  std::int32_t max_ngram_size = 0;      // 0: from the lengths below
  std::int32_t head_count = 0;
  std::vector<std::uint64_t> multipliers;
  std::vector<std::uint64_t> primes;
  std::vector<std::uint64_t> offsets;
  std::int64_t class_count = 0;  // V
  std::uint64_t search_base = 0;
};

// Fills origin, origin_text, hash and the sizes of `found` for an Engram model. A model of 99,092
// classes is taken for DeepSeek-V4.1. Errors: corrupt, where the constants disagree among
// themselves or address rows that are not there.
Status settle_engram_hash(const StatedHash& stated, const std::string& where, FoundTables& found);

struct StatedQwenHash {
  std::int32_t ngram_size = 0;
  std::int32_t heads_per_ngram = 0;
  std::int64_t vocab_size = 0;
  std::uint64_t base = 0;
  std::uint64_t seed = 1234;  // of every published model
  std::vector<std::uint64_t> multipliers;
  std::vector<std::uint64_t> sizes;
  std::vector<std::uint64_t> offsets;
};

// The same for Qwen's table, of which there is one.
Status settle_qwen_hash(const StatedQwenHash& stated, const std::string& where, FoundTables& found);

}  // namespace mneme
