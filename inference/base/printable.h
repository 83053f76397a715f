// SPDX-License-Identifier: Apache-2.0
// Text from outside (names in files, answers of a model, messages of a driver), made fit for a
// terminal, a log or a label: control characters, escape sequences, bidirectional overrides and
// broken UTF-8 become visible escapes ("\x1b", "\u202e"). Everything else stays as it is.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace mneme {

enum class LineBreaks : std::uint8_t {
  escape,  // a message is one line
  keep,    // and tabs: text of several lines
};
std::string escape_controls(std::string_view text, LineBreaks breaks = LineBreaks::escape);

// As it stands in a message or is one: escaped, one line, and cut behind `max` bytes.
constexpr std::size_t kNameBytesMax = 80;
constexpr std::size_t kMessageBytesMax = 4000;
std::string printable(std::string_view text, std::size_t max = kNameBytesMax);

// JSON text with the same characters as "\u001b" escapes: the same values, fit for a terminal.
std::string escape_json_controls(std::string_view json);

}  // namespace mneme
