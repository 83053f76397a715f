// SPDX-License-Identifier: Apache-2.0
// Text functions of the chat template language that keep track of where their bytes came from.
#pragma once

#include <optional>
#include <string_view>
#include <vector>

#include "inference/text/jinja_value.h"

namespace mneme::jinja {

enum class Side : unsigned char { both, left, right };
enum class Letters : unsigned char { upper, lower, title, capitalize, swap };

// Characters of UTF-8 text (as Python counts them), and where the n-th begins.
std::int64_t character_count(std::string_view text);
std::size_t character_offset(std::string_view text, std::int64_t n);
std::string_view first_character(std::string_view text);

// Without `characters`: white space.
Text strip(const Text& text, Side side, std::optional<std::string_view> characters);
// Parts between separators; without `separator`, runs of white space and no empty parts. At most
// `splits_max` cuts (negative = all), from the left or from the right.
std::vector<Text> split(const Text& text, std::optional<std::string_view> separator,
                        std::int64_t splits_max, bool from_right = false);
std::vector<Text> split_lines(const Text& text, bool keep_ends = false);
// At most `times` (negative = all). `from` empty inserts between characters, as in Python.
Text replace(const Text& text, std::string_view from, const Text& to, std::int64_t times);
Text change_letters(const Text& text, Letters letters);
// With `fill` around it up to `width` characters; Side::both centers as Python does.
Text pad(const Text& text, std::int64_t width, const Text& fill, Side text_side);
Text escape_html(const Text& text);

}  // namespace mneme::jinja
