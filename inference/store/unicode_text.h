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

// One line of `text` around the first place where the folded text is `folded_query`; its start if
// there is none.
std::string snippet_around(std::string_view text, std::string_view folded_query);

}  // namespace mneme
