// SPDX-License-Identifier: Apache-2.0
// Numbers and sizes as a person writes them, on a command line or in a file: the whole text, or an
// error that says what would be taken. Nothing is brought into range in silence.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>

#include "base/result.h"

namespace mneme {

constexpr std::uint64_t kSizeMax = std::uint64_t{1} << 50;

// A number of that range in decimal digits. Errors: invalid.
Result<std::int64_t> parse_whole(std::string_view text, std::int64_t least, std::int64_t most);
// -1 is none. Errors: invalid.
Result<std::optional<std::uint64_t>> parse_seed(std::string_view text);
Result<double> parse_real(std::string_view text);  // finite
// "64M", "1.5G", "800000": bytes, at most kSizeMax. Errors: invalid.
Result<std::uint64_t> parse_size(std::string_view text, std::uint64_t least);

}  // namespace mneme
