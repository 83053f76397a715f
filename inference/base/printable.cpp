// SPDX-License-Identifier: Apache-2.0
#include "base/printable.h"

#include <fmt/format.h>

#include "base/utf8.h"

namespace mneme {
namespace {

// What a terminal obeys or shows as nothing: C0 and C1 controls, line and paragraph separators, and
// what turns the direction of the text that follows.
bool is_control(char32_t code) {
  return code < 0x20 || (code >= 0x7f && code < 0xa0) || code == 0x2028 || code == 0x2029 ||
         (code >= 0x202a && code <= 0x202e) || (code >= 0x2066 && code <= 0x2069);
}

std::string u_escape(char32_t code) {
  return fmt::format("\\u{:04x}", static_cast<std::uint32_t>(code));
}

}  // namespace

std::string escape_controls(std::string_view text, LineBreaks breaks) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const std::string_view bytes = text.substr(0, step.size);
    const bool whole = step.kind == Utf8Step::Kind::character;
    const bool kept =
        breaks == LineBreaks::keep && whole && (step.code == '\n' || step.code == '\t');
    if (whole && (kept || !is_control(step.code))) {
      out += bytes;
    } else if (whole && step.code == '\n') {
      out += "\\n";
    } else if (whole && step.code >= 0x80) {
      out += u_escape(step.code);
    } else {
      for (const char byte : bytes)
        out += fmt::format("\\x{:02x}", static_cast<unsigned char>(byte));
    }
    text.remove_prefix(step.size);
  }
  return out;
}

std::string printable(std::string_view text, std::size_t max) {
  if (text.size() <= max) return escape_controls(text);
  std::size_t end = max;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return escape_controls(text.substr(0, end == 0 ? max : end)) + "...";
}

std::string escape_json_controls(std::string_view json) {
  std::string out;
  out.reserve(json.size());
  while (!json.empty()) {
    const Utf8Step step = utf8_step(json);
    // Below U+007F the controls of JSON text are its own line breaks, or escaped already.
    if (step.kind == Utf8Step::Kind::character && step.code >= 0x7f && is_control(step.code)) {
      out += u_escape(step.code);
    } else {
      out += json.substr(0, step.size);
    }
    json.remove_prefix(step.size);
  }
  return out;
}

}  // namespace mneme
