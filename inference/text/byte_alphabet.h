// SPDX-License-Identifier: Apache-2.0
// The byte-level alphabet of GPT-2 vocabularies: every byte has a printable character; bytes that
// print stand for themselves, the others for U+0100 and up in order (a space is U+0120, "Ġ").
#pragma once

#include <array>
#include <optional>
#include <string>
#include <string_view>

namespace mneme {

// The character of a byte, as UTF-8.
const std::string& byte_character(unsigned char byte);

// The byte of a character; empty when the character is not of the alphabet.
std::optional<unsigned char> character_byte(char32_t code);

// The byte of SentencePiece's name for it, "<0xE2>"; empty when it is none.
std::optional<unsigned char> byte_of_name(std::string_view name);

// Vocabulary form to bytes; characters outside the alphabet stay as they are.
std::string bytes_of_vocabulary_text(std::string_view text);

}  // namespace mneme
