// SPDX-License-Identifier: Apache-2.0
// Unicode composition (NFC) of UTF-8 text, for tokenizers that ask for it. Any thread.
#pragma once

#include <string>
#include <string_view>

namespace mneme {

std::string compose_nfc(std::string_view text);  // valid UTF-8 in and out

}  // namespace mneme
