// SPDX-License-Identifier: Apache-2.0
#include "inference/text/special_tokens.h"

#include <algorithm>

#include "base/check.h"

namespace mneme {

SpecialTokens::SpecialTokens(std::vector<Entry> entries) : entries_(std::move(entries)) {
  std::stable_sort(entries_.begin(), entries_.end(),
                   [](const Entry& a, const Entry& b) { return a.name < b.name; });
  entries_.erase(std::unique(entries_.begin(), entries_.end(),
                             [](const Entry& a, const Entry& b) { return a.name == b.name; }),
                 entries_.end());
  for (const Entry& entry : entries_) {
    CHECK(!entry.name.empty() && entry.name.size() <= kMaxNameBytes);
    starts_[static_cast<unsigned char>(entry.name[0])] = true;
  }
}

std::optional<SpecialTokens::Match> SpecialTokens::find(std::string_view text, std::size_t from,
                                                        std::size_t end) const {
  for (std::size_t begin = from; begin < end; ++begin) {
    if (!starts_[static_cast<unsigned char>(text[begin])]) continue;
    // Narrow the sorted names byte by byte; the last one that is complete is the longest.
    auto low = entries_.begin();
    auto high = entries_.end();
    std::optional<Match> best;
    for (std::size_t depth = 0; begin + depth < end && low != high; ++depth) {
      const auto byte = static_cast<unsigned char>(text[begin + depth]);
      const auto at = [depth](const Entry& e) {
        return depth < e.name.size() ? static_cast<int>(static_cast<unsigned char>(e.name[depth]))
                                     : -1;
      };
      low = std::partition_point(low, high, [&](const Entry& e) { return at(e) < byte; });
      high = std::partition_point(low, high, [&](const Entry& e) { return at(e) <= byte; });
      if (low != high && low->name.size() == depth + 1) {
        best = Match{begin, depth + 1, low->id, low->strips_left, low->strips_right};
      }
    }
    if (best) return best;
  }
  return std::nullopt;
}

}  // namespace mneme
