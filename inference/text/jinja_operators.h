// SPDX-License-Identifier: Apache-2.0
// Operators on values, as Python has them; errors go to the context.
#pragma once

#include <string_view>
#include <vector>

#include "inference/text/jinja_context.h"
#include "inference/text/jinja_value.h"

namespace mneme::jinja {

Value apply_binary(Context& context, std::string_view op, const Value& left, const Value& right);
bool apply_compare(Context& context, std::string_view op, const Value& left, const Value& right);

// Negative, 0, positive; fails where Python has no order.
int order_of(Context& context, const Value& left, const Value& right);
// Indices of `keys` in ascending (or descending) order; equal ones stay in place.
std::vector<std::size_t> sorted_order(Context& context, const std::vector<Value>& keys,
                                      bool descending);

bool contains(Context& context, const Value& container, const Value& item);  // "item in container"
Value contained_at(Context& context, const Value& container, const Value& index);  // x[2]
// x[1:3]; bounds that are none are missing.
Value sliced(Context& context, const Value& object, const Value& begin, const Value& end,
             const Value& step);

// The elements a loop or filter walks: of a list, keys of a mapping, characters of a text. What a
// generator has left is used up.
std::vector<Value> elements(Context& context, const Value& value);

// What looking for `part` in `text` can cost at worst.
void charge_search(Context& context, const Text& text, const Text& part);

}  // namespace mneme::jinja
