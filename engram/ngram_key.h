// SPDX-License-Identifier: Apache-2.0
// The name of an n-gram: its order and its classes, exact. Two n-grams that hash to the same rows
// are still two keys, so a collision can be seen.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "base/ids.h"
#include "engram/hash_spec.h"

namespace mneme {

struct NgramKey {
  std::int32_t order = 0;                        // 2..N
  std::array<ClassId, kMaxNgramSize> classes{};  // [k] = class k positions back; 0 beyond `order`

  friend bool operator==(const NgramKey&, const NgramKey&) = default;
};

struct NgramKeyHash {
  std::size_t operator()(const NgramKey& key) const;
};

// Part of a list of many: how many there are in it, and the number to go on with; 0 = that was all.
struct NgramSlice {
  std::size_t count = 0;
  std::uint64_t next = 0;
};

}  // namespace mneme
