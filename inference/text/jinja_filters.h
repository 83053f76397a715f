// SPDX-License-Identifier: Apache-2.0
// The tables of filters, by what they work on.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "inference/text/jinja_builtins.h"

namespace mneme::jinja {

std::span<const FilterEntry> text_filters();
std::span<const FilterEntry> list_filters();
std::span<const FilterEntry> selection_filters();
std::span<const FilterEntry> number_filters();

// For a filter that Jinja has and Mneme has not.
template <const std::string_view& Name>
Value missing_filter(Context& context, const Value&, const Arguments&) {
  std::string message("the filter \"");
  message += Name;
  return context.fail(message + "\" is not supported");
}

}  // namespace mneme::jinja
