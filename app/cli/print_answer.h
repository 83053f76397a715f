// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <string_view>

namespace mneme::cli {

// What a model says, byte by byte into a file or a pipe. On a terminal, which would obey them,
// escape sequences and other controls are shown as text.
void print_answer(std::string_view text);

}  // namespace mneme::cli
