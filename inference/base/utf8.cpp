// SPDX-License-Identifier: Apache-2.0
#include "base/utf8.h"

#include "base/check.h"

namespace mneme {
namespace {

// How many bytes follow a lead byte, and which range the first of them may take (it excludes
// overlong forms, surrogates and numbers above U+10FFFF). count 0: not a lead byte.
struct Lead {
  std::size_t count;
  unsigned char low;
  unsigned char high;
  char32_t bits;
};

Lead lead_of(unsigned char byte) {
  if (byte >= 0xc2 && byte <= 0xdf) return {1, 0x80, 0xbf, byte & 0x1fu};
  if (byte == 0xe0) return {2, 0xa0, 0xbf, 0};
  if (byte == 0xed) return {2, 0x80, 0x9f, 0xd};
  if (byte >= 0xe1 && byte <= 0xef) return {2, 0x80, 0xbf, byte & 0xfu};
  if (byte == 0xf0) return {3, 0x90, 0xbf, 0};
  if (byte >= 0xf1 && byte <= 0xf3) return {3, 0x80, 0xbf, byte & 7u};
  if (byte == 0xf4) return {3, 0x80, 0x8f, 4};
  return {0, 0, 0, 0};
}

}  // namespace

Utf8Step utf8_step(std::string_view text) {
  DCHECK(!text.empty());
  const auto first = static_cast<unsigned char>(text[0]);
  if (first < 0x80) return {Utf8Step::Kind::character, 1, first};
  const Lead lead = lead_of(first);
  if (lead.count == 0) return {Utf8Step::Kind::broken, 1, 0};
  char32_t code = lead.bits;
  for (std::size_t i = 1; i <= lead.count; ++i) {
    if (i >= text.size()) return {Utf8Step::Kind::incomplete, text.size(), 0};
    const auto byte = static_cast<unsigned char>(text[i]);
    const unsigned char low = i == 1 ? lead.low : 0x80;
    const unsigned char high = i == 1 ? lead.high : 0xbf;
    if (byte < low || byte > high) return {Utf8Step::Kind::broken, i, 0};
    code = code << 6 | (byte & 0x3fu);
  }
  return {Utf8Step::Kind::character, lead.count + 1, code};
}

void append_utf8(std::string& out, char32_t code) {
  if (code < 0x80) {
    out += static_cast<char>(code);
  } else if (code < 0x800) {
    out += static_cast<char>(0xc0 | code >> 6);
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else if (code < 0x10000) {
    out += static_cast<char>(0xe0 | code >> 12);
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  } else {
    out += static_cast<char>(0xf0 | code >> 18);
    out += static_cast<char>(0x80 | (code >> 12 & 0x3f));
    out += static_cast<char>(0x80 | (code >> 6 & 0x3f));
    out += static_cast<char>(0x80 | (code & 0x3f));
  }
}

std::string replace_broken_utf8(std::string_view text) {
  std::string out;
  out.reserve(text.size());
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    out += step.kind == Utf8Step::Kind::character ? text.substr(0, step.size) : kReplacement;
    text.remove_prefix(step.size);
  }
  return out;
}

}  // namespace mneme
