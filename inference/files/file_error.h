// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <fmt/format.h>

#include <string_view>

#include "base/result.h"

namespace mneme {

// A file that breaks its own format: "<where>: <what>".
inline Error corrupt(std::string_view where, std::string_view what) {
  return Error{ErrorCode::corrupt, fmt::format("{}: {}", where, what)};
}

}  // namespace mneme
