// SPDX-License-Identifier: Apache-2.0
// Chat template source -> tree. The part of Jinja that chat templates use: for (with if, else,
// break, continue), if, set (also blocks and namespace attributes), macro, raw, generation; the
// expressions, filters, tests and methods that jinja_builtins.cpp names. Everything else is refused
// here, by name and line, before anything is rendered.
#pragma once

#include <string_view>

#include "inference/base/result.h"
#include "inference/text/jinja_node.h"

namespace mneme::jinja {

inline constexpr int kMaxHeight = 120;  // of the tree: bounds every recursion over it
inline constexpr std::size_t kMaxSource = 512 * 1024;  // bytes

Result<NodePtr> parse(std::string_view source);

}  // namespace mneme::jinja
