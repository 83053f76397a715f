// SPDX-License-Identifier: Apache-2.0
// Unicode composition (NFC) and letter case of UTF-8 text. Valid UTF-8 in and out; any thread. The
// only files of this library that know ICU are normalize.cpp and characters.cpp.
#pragma once

#include <string>
#include <string_view>

namespace mneme {

std::string compose_nfc(std::string_view text);
std::string to_upper(std::string_view text);  // of no particular language
std::string to_lower(std::string_view text);

}  // namespace mneme
