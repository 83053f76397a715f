// SPDX-License-Identifier: Apache-2.0
// Finds the names of special tokens in text, the longest first. Immutable after build: any thread.
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"

namespace mneme {

class SpecialTokens {
 public:
  static constexpr std::size_t kMaxNameBytes = 256;  // bounds the time a search takes

  struct Entry {
    std::string name;  // 1 to kMaxNameBytes bytes
    TokenId id = 0;
    bool strips_left = false;  // takes the white space beside it along
    bool strips_right = false;
  };
  struct Match {
    std::size_t begin = 0;
    std::size_t size = 0;
    TokenId id = 0;
    bool strips_left = false;
    bool strips_right = false;
  };

  SpecialTokens() = default;
  explicit SpecialTokens(std::vector<Entry> entries);  // of a name given twice the first stays

  // The first match that begins at or after `from` and ends at or before `end`.
  std::optional<Match> find(std::string_view text, std::size_t from, std::size_t end) const;

 private:
  std::vector<Entry> entries_;      // by name
  std::array<bool, 256> starts_{};  // first bytes that occur
};

}  // namespace mneme
