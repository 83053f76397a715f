// SPDX-License-Identifier: Apache-2.0
// Multipliers, bucket sizes and offsets from a model's configuration, for checkpoints that do not
// store them (SPEC.md, sections 2 and 3). Pure functions.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/hash_spec.h"

namespace mneme {

struct HashConfig {
  ClassId class_count = 0;              // V; every multiplier depends on it
  std::vector<std::int32_t> layer_ids;  // 0-based; their order decides who takes which prime
  std::vector<std::uint64_t> bases;     // where the prime search starts, per order 2..N
  std::int32_t head_count = 0;          // H
  std::uint64_t seed = 0;               // 0 in every published model
};

// One LayerHash a layer id, in the same order. Errors: invalid, naming the number out of range.
Result<std::vector<LayerHash>> derive_hash(const HashConfig& config);

// [max_ngram_size] odd numbers with class * multiplier < 2^63 for every class below class_count.
std::vector<std::uint64_t> derive_multipliers(ClassId class_count, std::int32_t max_ngram_size,
                                              std::int32_t layer_id, std::uint64_t seed);

}  // namespace mneme
