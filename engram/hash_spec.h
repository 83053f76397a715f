// SPDX-License-Identifier: Apache-2.0
// Everything that turns token ids into table rows, as plain data: read from a file or derived from
// a configuration (SPEC.md, sections 1 to 4). Notation: V classes, N = largest order,
// H = heads per order, C = (N-1)*H columns.
#pragma once

#include <cstdint>
#include <vector>

#include "base/ids.h"

namespace mneme {

constexpr int kMaxNgramSize = 8;

// What a token's left context reads where it meets the start of the sequence or a dead position.
enum class ContextRule : std::uint8_t {
  plain,   // the paper's demo: only positions before the start read as pad
  sticky,  // V4.1: once a position is before the start or dead (class -1), it and all older are pad
};

struct LayerHash {
  std::int32_t layer_id = 0;               // 0-based block
  std::vector<std::uint64_t> multipliers;  // [N]; k-th for the token k positions back
  std::vector<std::uint64_t> primes;       // [C], order-major, head-minor
  std::vector<std::uint64_t> offsets;      // [C], exclusive running sum of primes
  std::uint64_t rows = 0;                  // sum of primes
};

struct HashSpec {
  std::int32_t max_ngram_size = 0;  // N
  std::int32_t head_count = 0;      // H
  std::vector<ClassId> token_map;   // token id -> class
  ClassId pad_class = 0;
  ContextRule context = ContextRule::plain;
  std::vector<LayerHash> layers;

  std::int32_t orders() const { return max_ngram_size - 1; }
  std::int32_t columns() const { return orders() * head_count; }
};

}  // namespace mneme
