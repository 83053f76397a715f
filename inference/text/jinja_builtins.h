// SPDX-License-Identifier: Apache-2.0
// The filters, tests, methods and attributes of Jinja and of Python's values, as tables. What Jinja
// knows and Mneme does not stands in the tables too, and is refused by name when it is reached.
// Errors go to the Context.
#pragma once

#include <string_view>

#include "inference/text/jinja_context.h"
#include "inference/text/jinja_value.h"

namespace mneme::jinja {

struct FilterEntry {
  std::string_view name;
  Value (*apply)(Context&, const Value& input, const Arguments&);
};
struct TestEntry {
  std::string_view name;
  bool (*holds)(Context&, const Value& input, const Arguments&);
};
struct MethodEntry {
  std::string_view name;
  Value (*call)(Context&, const Value& object, const Arguments&);
};

const FilterEntry* find_filter(std::string_view name);  // null: unknown to Jinja
const TestEntry* find_test(std::string_view name);
const MethodEntry* find_method(const Value& object, std::string_view name);

// By names that are only known when they are reached; unknown ones fail.
Value apply_filter(Context& context, std::string_view name, const Value& input,
                   const Arguments& arguments);
bool apply_test(Context& context, std::string_view name, const Value& input,
                const Arguments& arguments);
Value call_method(Context& context, const MethodEntry& method, const Value& object,
                  const Arguments& arguments);

// object.name and object[key], as Jinja's sandbox finds them; undefined when there is none.
Value get_attribute(Context& context, const Value& object, std::string_view name);
Value get_item(Context& context, const Value& object, const Value& key);
// "a.b.0": one after the other, as the filters' `attribute` takes it; an integer is an index.
Value get_path(Context& context, const Value& object, const Value& path);

}  // namespace mneme::jinja
