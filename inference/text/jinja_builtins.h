// SPDX-License-Identifier: Apache-2.0
// The filters, tests, methods and functions that chat templates may use. Errors go to the Context.
#pragma once

#include <string_view>

#include "inference/text/jinja_context.h"
#include "inference/text/jinja_value.h"

namespace mneme::jinja {

bool is_known_filter(std::string_view name);
bool is_known_test(std::string_view name);
bool is_known_method(std::string_view name);
bool test_takes_argument(std::string_view name);  // "x is divisibleby 3"

Value apply_filter(Context& context, std::string_view name, const Value& input,
                   const Arguments& arguments);
bool apply_test(Context& context, std::string_view name, const Value& input,
                const Arguments& arguments);
Value call_method(Context& context, std::string_view name, const Value& object,
                  const Arguments& arguments);

// As {{ }} prints it. Lists and mappings are refused: their Python form is nobody's prompt.
Text printed(Context& context, const Value& value);

// The elements a loop or filter walks: of a list, keys of a mapping, characters of a text.
std::vector<Value> elements(Context& context, const Value& value);

Value to_json(Context& context, const Value& value, int indent);  // indent < 0: one line

// As `object.name` and `object[name]` find it; undefined when there is none.
Value member(Context& context, const Value& object, std::string_view name);

bool contains(Context& context, const Value& container, const Value& item);  // "item in container"

// What looking for `part` in `text` can cost at worst.
void charge_search(Context& context, const Text& text, const Text& part);

// Characters of UTF-8 text (as Python counts them), and where the n-th begins.
std::int64_t character_count(std::string_view text);
std::size_t character_offset(std::string_view text, std::int64_t n);

}  // namespace mneme::jinja
