// SPDX-License-Identifier: Apache-2.0
// Chat text for lists and search: titles, snippets, and a folded form in which case, accents and
// line breaks do not matter. Any bytes go in (invalid UTF-8 counts as U+FFFD); UTF-8 comes out.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

// Compatibility forms and case folded, accents (U+0300 to U+036F) dropped, each run of white space
// and control characters one space, none at the ends. Other scripts keep their marks.
std::string fold_for_search(std::string_view text);

std::size_t count_code_points(std::string_view utf8);

// One line of at most 60 characters as readers count them (never half of one), cut at a word where
// there is one, with "…" where something was left out. "" if there is nothing to show.
std::string title_from(std::string_view message);

// Bytes [begin, end) of a text.
struct TextRange {
  std::size_t begin = 0;
  std::size_t end = 0;
  friend bool operator==(const TextRange&, const TextRange&) = default;
};

// The places of `text` that read `folded_query` once they are folded, which is not empty: in order,
// none over another.
std::vector<TextRange> find_folded(std::string_view text, std::string_view folded_query);

// One line of `text` around the first such place; around its start if there is none.
struct Snippet {
  std::string line;
  TextRange match;  // of `line`; empty = there is none
};
Snippet snippet_around(std::string_view text, std::string_view folded_query);

}  // namespace mneme
