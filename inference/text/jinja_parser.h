// SPDX-License-Identifier: Apache-2.0
// Chat template source -> tree. All of Jinja's own statements and expressions, with loop controls
// and generation blocks, as transformers sets Jinja up. What Jinja refuses before it renders is
// refused here, by name and line; what is only refused when it is reached is left to the
// interpreter.
#pragma once

#include <string_view>

#include "base/result.h"
#include "inference/text/jinja_node.h"

namespace mneme::jinja {

inline constexpr int kMaxHeight = 120;  // of the tree: bounds every recursion over it
inline constexpr std::size_t kMaxSource = 512 * 1024;  // bytes

Result<NodePtr> parse(std::string_view source);

}  // namespace mneme::jinja
