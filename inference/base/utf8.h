// SPDX-License-Identifier: Apache-2.0
// UTF-8 one step at a time, with errors cut as Python's errors="replace" cuts them (Unicode's
// "maximal subpart": the longest start of a valid sequence counts as one error).
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace mneme {

inline constexpr std::string_view kReplacement = "\xef\xbf\xbd";  // U+FFFD

struct Utf8Step {
  enum class Kind : std::uint8_t {
    character,   // `size` bytes are one character, `code` its number
    broken,      // `size` bytes are one error
    incomplete,  // the text ends inside a character that could still become whole
  };
  Kind kind = Kind::broken;
  std::size_t size = 0;
  char32_t code = 0;
};

// Looks at the start of `text`, which is not empty.
Utf8Step utf8_step(std::string_view text);

void append_utf8(std::string& out, char32_t code);

// Every error becomes U+FFFD; valid text is returned unchanged.
std::string replace_broken_utf8(std::string_view text);

}  // namespace mneme
