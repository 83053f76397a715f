// SPDX-License-Identifier: Apache-2.0
// What kind a character is, as Python's str methods ask. Any thread.
#pragma once

#include <cstdint>

namespace mneme {

bool is_letter(char32_t code);   // str.isalpha
bool is_decimal(char32_t code);  // str.isdecimal
bool is_digit(char32_t code);    // str.isdigit: also superscripts and the like
bool is_numeric(char32_t code);  // str.isnumeric: also fractions and the like
bool is_upper(char32_t code);
bool is_lower(char32_t code);
bool is_title(char32_t code);      // a title case letter, such as U+01C5
bool is_printable(char32_t code);  // str.isprintable: written as it is by repr
bool is_id_start(char32_t code);
bool is_id_part(char32_t code);

// General categories as pre-tokenizers tell them apart, as bits; white space is a property of its
// own.
inline constexpr std::uint8_t kLowerCase = 1;    // Ll
inline constexpr std::uint8_t kUpperCase = 2;    // Lu, Lt
inline constexpr std::uint8_t kOtherLetter = 4;  // Lm, Lo
inline constexpr std::uint8_t kLetter = kLowerCase | kUpperCase | kOtherLetter;
inline constexpr std::uint8_t kMark = 8;
inline constexpr std::uint8_t kNumber = 16;
inline constexpr std::uint8_t kPunctuation = 32;
inline constexpr std::uint8_t kSymbol = 64;
inline constexpr std::uint8_t kWhiteSpace = 128;
std::uint8_t category_bits(char32_t code);

}  // namespace mneme
