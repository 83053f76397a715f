// SPDX-License-Identifier: Apache-2.0
// A line for a log file alone, from a program that has told it on stderr in its own words.
#pragma once

#include <string>
#include <string_view>

#include "base/log.h"

namespace mneme {

// A file that cannot be written is no error here: there is nobody left to tell.
void append_to_log(const std::string& file, LogLevel level, std::string_view module,
                   std::string_view text);

}  // namespace mneme
