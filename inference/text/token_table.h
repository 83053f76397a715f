// SPDX-License-Identifier: Apache-2.0
// Finds the token of a text. The texts are the caller's and stay where they are. Immutable after it
// is made: any thread.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "inference/text/text_list.h"

namespace mneme {

class TokenTable {
 public:
  // Of a text that occurs twice the lower id is found. `texts` must outlive the table.
  explicit TokenTable(const TextList& texts);

  TokenId find(std::string_view text) const;  // -1: none

 private:
  struct Slot {
    std::uint32_t hash = 0;  // its upper half
    TokenId id = -1;         // -1: free
  };

  const TextList& texts_;
  std::uint64_t seed_;
  std::vector<Slot> slots_;  // open addressing; at most half full
  std::size_t mask_ = 0;
};

}  // namespace mneme
