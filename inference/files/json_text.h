// SPDX-License-Identifier: Apache-2.0
// JSON that comes from elsewhere: bounded in size and depth, parsed without exceptions.
#pragma once

#include <cstddef>
#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>
#include <string_view>

#include "base/result.h"

namespace mneme {

inline constexpr std::size_t kJsonDepthMax = 64;

// The object that `text` is; `name` stands in messages. Errors: corrupt (no JSON, no object, or
// nested too deep, which is found before memory is taken).
Result<nlohmann::json> parse_json_object(std::string_view text, std::string_view name);

// Errors: corrupt (more bytes than such a file should need).
Status check_text_size(const std::string& path, std::uint64_t bytes, std::size_t bytes_max);

// The text of a regular file of at most `bytes_max`. Errors: io, corrupt (it is larger).
Result<std::string> read_text(const std::string& path, std::size_t bytes_max);

}  // namespace mneme
