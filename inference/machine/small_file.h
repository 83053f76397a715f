// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdint>
#include <string>

#include "base/result.h"

namespace mneme {

// The whole of a regular file from outside, unless it is larger than `bytes_max`. Errors: io;
// invalid (too large).
Result<std::string> read_small_file(const std::string& path, std::uint64_t bytes_max);

}  // namespace mneme
