// SPDX-License-Identifier: Apache-2.0
// The tables of methods, by the values that have them.
#pragma once

#include <span>

#include "inference/text/jinja_builtins.h"

namespace mneme::jinja {

std::span<const MethodEntry> text_methods();           // parts, searches, new texts
std::span<const MethodEntry> text_question_methods();  // isdigit and the like

}  // namespace mneme::jinja
