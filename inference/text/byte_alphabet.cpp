// SPDX-License-Identifier: Apache-2.0
#include "inference/text/byte_alphabet.h"

#include <charconv>

#include "base/utf8.h"

namespace mneme {
namespace {

bool stands_for_itself(int byte) {
  return (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
}

struct Alphabet {
  std::array<std::string, 256> characters;
  std::array<int, 0x144> bytes;  // by character number; -1 = none

  Alphabet() {
    bytes.fill(-1);
    char32_t next = 0x100;
    for (int byte = 0; byte < 256; ++byte) {
      const char32_t code = stands_for_itself(byte) ? static_cast<char32_t>(byte) : next++;
      append_utf8(characters[static_cast<std::size_t>(byte)], code);
      bytes[code] = byte;
    }
  }
};

const Alphabet& alphabet() {
  static const Alphabet instance;
  return instance;
}

}  // namespace

const std::string& byte_character(unsigned char byte) {
  return alphabet().characters[byte];
}

std::optional<unsigned char> character_byte(char32_t code) {
  const auto& bytes = alphabet().bytes;
  if (code >= bytes.size() || bytes[code] < 0) return std::nullopt;
  return static_cast<unsigned char>(bytes[code]);
}

std::optional<unsigned char> byte_of_name(std::string_view name) {
  if (name.size() != 6 || !name.starts_with("<0x") || name[5] != '>') return std::nullopt;
  unsigned char byte = 0;
  const auto [end, error] = std::from_chars(name.data() + 3, name.data() + 5, byte, 16);
  if (error != std::errc() || end != name.data() + 5) return std::nullopt;
  return byte;
}

std::string bytes_of_vocabulary_text(std::string_view text) {
  std::string out;
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    const auto byte =
        step.kind == Utf8Step::Kind::character ? character_byte(step.code) : std::nullopt;
    if (byte) {
      out += static_cast<char>(*byte);
    } else {
      out += text.substr(0, step.size);
    }
    text.remove_prefix(step.size);
  }
  return out;
}

}  // namespace mneme
