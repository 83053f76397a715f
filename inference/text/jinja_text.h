// SPDX-License-Identifier: Apache-2.0
// Text functions of the chat template language that keep track of where their bytes came from.
#pragma once

#include <string_view>
#include <vector>

#include "inference/text/jinja_value.h"

namespace mneme::jinja {

enum class Side : unsigned char { both, left, right };
enum class Letters : unsigned char { upper, lower, title, capitalize };

// `characters` empty = white space.
Text strip(const Text& text, Side side, std::string_view characters);
// Parts between separators; `separator` empty = runs of white space, without empty parts. At most
// `splits_max` cuts (negative = all).
std::vector<Text> split(const Text& text, std::string_view separator, std::int64_t splits_max);
std::vector<Text> split_lines(const Text& text);
// At most `times` (negative = all). `from` empty inserts between characters, as in Python.
Text replace(const Text& text, std::string_view from, const Text& to, std::int64_t times);
Text change_letters(const Text& text, Letters letters);
Text indent(const Text& text, std::string_view prefix, bool first, bool blank);

}  // namespace mneme::jinja
