// SPDX-License-Identifier: Apache-2.0
// Filters that pick or change the elements of a list one by one. As in Jinja they return
// generators: nothing is done, and nothing refused, before the result is walked through.
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "inference/text/jinja_filters.h"
#include "inference/text/jinja_operators.h"

namespace mneme::jinja {
namespace {

Arguments without_first(const Arguments& arguments, std::size_t count) {
  Arguments rest = arguments;
  rest.positional.erase(rest.positional.begin(),
                        rest.positional.begin() +
                            static_cast<std::ptrdiff_t>(std::min(count, rest.positional.size())));
  return rest;
}

// map(attribute='name', default=x).
std::vector<Value> map_attribute(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "map", arguments, {"attribute", "default"}, 1);
  std::vector<Value> out;
  if (context.failed()) return out;
  for (const Value& element : elements(context, input)) {
    Value value = get_path(context, element, *bound[0]);
    if (context.failed()) break;
    if (value.is<Undefined>() && bound[1] != nullptr && !bound[1]->is<None>()) value = *bound[1];
    out.push_back(std::move(value));
  }
  return out;
}

std::vector<Value> mapped(Context& context, const Value& input, const Arguments& arguments) {
  std::vector<Value> out;
  if (!truthy(input)) return out;
  if (arguments.positional.empty() &&
      std::any_of(arguments.named.begin(), arguments.named.end(),
                  [](const auto& named) { return named.first->bytes == "attribute"; }))
    return map_attribute(context, input, arguments);
  if (arguments.positional.empty() || !arguments.positional[0].is<TextPtr>()) {
    context.fail("map takes the name of a filter or an attribute");
    return out;
  }
  const Arguments rest = without_first(arguments, 1);
  for (const Value& element : elements(context, input)) {
    out.push_back(apply_filter(context, arguments.positional[0].text().bytes, element, rest));
    if (context.failed()) break;
  }
  return out;
}

std::vector<Value> selected(Context& context, const Value& input, const Arguments& arguments,
                            bool by_attribute, bool keep) {
  std::vector<Value> out;
  if (!truthy(input)) return out;
  if (by_attribute && arguments.positional.empty()) {
    context.fail("selectattr and rejectattr take an attribute's name");
    return out;
  }
  const std::size_t at = by_attribute ? 1 : 0;
  std::optional<std::string> test;
  if (arguments.positional.size() > at) {
    const Value& name = arguments.positional[at];
    if (!name.is<TextPtr>()) {
      context.fail("the name of a test was expected");
      return out;
    }
    test = name.text().bytes;
  }
  const Arguments rest = without_first(arguments, at + 1);
  for (const Value& element : elements(context, input)) {
    const Value subject =
        by_attribute ? get_path(context, element, arguments.positional[0]) : element;
    if (context.failed()) break;
    const bool holds = test ? apply_test(context, *test, subject, rest) : truthy(subject);
    if (context.failed()) break;
    if (holds == keep) out.push_back(element);
  }
  return out;
}

Value map(Context& context, const Value& input, const Arguments& arguments) {
  return context.iterator(input,
                          [input, arguments](Context& c) { return mapped(c, input, arguments); });
}

template <bool ByAttribute, bool Keep>
Value select(Context& context, const Value& input, const Arguments& arguments) {
  return context.iterator(input, [input, arguments](Context& c) {
    return selected(c, input, arguments, ByAttribute, Keep);
  });
}

constexpr FilterEntry kSelectionFilters[] = {{"map", map},
                                             {"reject", select<false, false>},
                                             {"rejectattr", select<true, false>},
                                             {"select", select<false, true>},
                                             {"selectattr", select<true, true>}};

}  // namespace

std::span<const FilterEntry> selection_filters() {
  return kSelectionFilters;
}

}  // namespace mneme::jinja
