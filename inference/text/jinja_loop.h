// SPDX-License-Identifier: Apache-2.0
// The variable `loop` of a for: its attributes and methods.
#pragma once

#include <string_view>

#include "inference/text/jinja_builtins.h"

namespace mneme::jinja {

Value loop_attribute(const Loop& loop, std::string_view name);
const MethodEntry* find_loop_method(std::string_view name);

}  // namespace mneme::jinja
