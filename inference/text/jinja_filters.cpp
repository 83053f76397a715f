// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_filters.h"

#include <fmt/format.h>

#include <algorithm>

namespace mneme::jinja {

const FilterEntry* find_filter(std::string_view name) {
  for (const auto table : {text_filters(), list_filters(), selection_filters(), number_filters()}) {
    const auto at = std::find_if(table.begin(), table.end(),
                                 [&](const FilterEntry& entry) { return entry.name == name; });
    if (at != table.end()) return &*at;
  }
  return nullptr;
}

Value apply_filter(Context& context, std::string_view name, const Value& input,
                   const Arguments& arguments) {
  context.charge(weight_of(input));
  for (const Value& argument : arguments.positional) context.charge(weight_of(argument));
  if (context.failed()) return Value();
  const FilterEntry* filter = find_filter(name);
  if (filter != nullptr) return filter->apply(context, input, arguments);
  return context.fail(fmt::format("the filter \"{}\" is not supported", name.substr(0, 60)));
}

}  // namespace mneme::jinja
