// SPDX-License-Identifier: Apache-2.0
// What kind a character is, as Python's str methods ask. Any thread.
#pragma once

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

}  // namespace mneme
