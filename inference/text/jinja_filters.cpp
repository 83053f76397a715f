// SPDX-License-Identifier: Apache-2.0
// Filters: "messages | length", "text | trim".
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <limits>

#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_interpreter.h"
#include "inference/text/jinja_text.h"
#include "inference/text/utf8.h"

namespace mneme::jinja {
namespace {

constexpr std::array<std::string_view, 28> kFilters{
    "abs",   "trim",   "length",     "count",      "tojson",     "default", "d",
    "upper", "lower",  "capitalize", "title",      "join",       "replace", "string",
    "int",   "float",  "list",       "first",      "last",       "reverse", "safe",
    "map",   "select", "reject",     "selectattr", "rejectattr", "items",   "indent"};

Value first_argument(const Arguments& arguments) {
  return arguments.positional.empty() ? Value() : arguments.positional[0];
}

Arguments without(const Arguments& arguments, std::size_t count) {
  Arguments rest;
  for (std::size_t i = count; i < arguments.positional.size(); ++i)
    rest.positional.push_back(arguments.positional[i]);
  return rest;
}

Value length(Context& context, const Value& input) {
  if (input.is<TextPtr>()) return Value(character_count(input.text().bytes));
  if (input.is<ListPtr>())
    return Value(static_cast<std::int64_t>(input.as<ListPtr>()->items.size()));
  if (input.is<DictPtr>())
    return Value(static_cast<std::int64_t>(input.as<DictPtr>()->items.size()));
  if (input.is<Undefined>()) return Value(std::int64_t{0});
  return context.fail(fmt::format("{} has no length", kind_name(input)));
}

Value join(Context& context, const Value& input, const Arguments& arguments) {
  const Value* separator = arguments.find(0, "d");
  const Value* attribute = arguments.find(1, "attribute");
  Text between;
  if (separator != nullptr) between = printed(context, *separator);
  Text out;
  bool first = true;
  for (const Value& element : elements(context, input)) {
    if (!first) out.append(between);
    first = false;
    Value shown = element;
    if (attribute != nullptr && attribute->is<TextPtr>())
      shown = member(context, element, attribute->text().bytes);
    const Text part = printed(context, shown);
    context.charge_bytes(part.bytes.size() + between.bytes.size() +
                         16 * (part.spans.size() + between.spans.size()));
    if (context.failed()) return Value();
    out.append(part);
  }
  return context.text(std::move(out));
}

Value to_integer(Context& context, const Value& input, const Arguments& arguments) {
  const Value* fallback = arguments.find(0, "default");
  const Value missing = fallback == nullptr ? Value(std::int64_t{0}) : *fallback;
  if (input.is<std::int64_t>()) return input;
  if (input.is<bool>()) return Value(static_cast<std::int64_t>(input.as<bool>()));
  if (input.is<double>()) {
    const double value = input.as<double>();
    if (!(std::abs(value) < 9e18)) return context.fail("a number is too large for an integer");
    return Value(static_cast<std::int64_t>(value));
  }
  if (input.is<TextPtr>()) {
    const Text text = strip(input.text(), Side::both, "");
    std::int64_t value = 0;
    const char* end = text.bytes.data() + text.bytes.size();
    const auto read = std::from_chars(text.bytes.data(), end, value);
    if (read.ec == std::errc() && read.ptr == end) return Value(value);
  }
  return missing;
}

Value to_real(const Value& input, const Arguments& arguments) {
  const Value* fallback = arguments.find(0, "default");
  if (input.is_number()) return Value(input.number());
  if (input.is<TextPtr>()) {
    const Text text = strip(input.text(), Side::both, "");
    double value = 0;
    const char* end = text.bytes.data() + text.bytes.size();
    const auto read = std::from_chars(text.bytes.data(), end, value);
    if (read.ec == std::errc() && read.ptr == end) return Value(value);
  }
  return fallback == nullptr ? Value(0.0) : *fallback;
}

// map('upper'), map(attribute='name').
Value map(Context& context, const Value& input, const Arguments& arguments) {
  const Value* attribute = arguments.find(std::numeric_limits<std::size_t>::max(), "attribute");
  const Value* missing = arguments.find(std::numeric_limits<std::size_t>::max(), "default");
  const Value name = first_argument(arguments);
  if (attribute == nullptr &&
      (!name.is<TextPtr>() || !is_known_filter(name.text().bytes) || name.text().bytes == "map")) {
    return context.fail("map takes the name of a filter or an attribute");
  }
  const Arguments rest = without(arguments, 1);
  std::vector<Value> out;
  for (const Value& element : elements(context, input)) {
    if (context.failed()) return Value();
    if (attribute != nullptr && attribute->is<TextPtr>()) {
      Value value = member(context, element, attribute->text().bytes);
      if (value.is<Undefined>() && missing != nullptr) value = *missing;
      out.push_back(std::move(value));
    } else {
      out.push_back(apply_filter(context, name.text().bytes, element, rest));
    }
  }
  return context.list(std::move(out));
}

// select(test), reject(test), selectattr(name, test), rejectattr(name, test).
Value select(Context& context, const Value& input, const Arguments& arguments, bool by_attribute,
             bool keep) {
  std::size_t at = 0;
  std::string attribute;
  if (by_attribute) {
    const Value name = first_argument(arguments);
    if (!name.is<TextPtr>())
      return context.fail("selectattr and rejectattr take an attribute's name");
    attribute = name.text().bytes;
    at = 1;
  }
  std::string test;
  if (arguments.positional.size() > at) {
    const Value& name = arguments.positional[at];
    if (!name.is<TextPtr>() || !is_known_test(name.text().bytes))
      return context.fail("an unknown test in a selection");
    test = name.text().bytes;
    if (test == "==") test = "eq";
    if (test == "!=") test = "ne";
  }
  const Arguments rest = without(arguments, at + 1);
  std::vector<Value> out;
  for (const Value& element : elements(context, input)) {
    const Value subject = by_attribute ? member(context, element, attribute) : element;
    const bool holds = test.empty() ? truthy(subject) : apply_test(context, test, subject, rest);
    if (context.failed()) return Value();
    if (holds == keep) out.push_back(element);
  }
  return context.list(std::move(out));
}

Value first_or_last(Context& context, const Value& input, bool first) {
  const std::vector<Value> all = elements(context, input);
  if (all.empty()) return Value();
  return first ? all.front() : all.back();
}

Value reverse(Context& context, const Value& input) {
  std::vector<Value> all = elements(context, input);
  std::reverse(all.begin(), all.end());
  if (!input.is<TextPtr>()) return context.list(std::move(all));
  Text out;
  for (const Value& character : all) out.append(character.text());
  return context.text(std::move(out));
}

Value indent_filter(Context& context, const Value& input, const Arguments& arguments) {
  const Value* width = arguments.find(0, "width");
  const Value* first = arguments.find(1, "first");
  const Value* blank = arguments.find(2, "blank");
  std::string prefix = "    ";
  if (width != nullptr && width->is<TextPtr>()) prefix = width->text().bytes;
  if (width != nullptr && width->is<std::int64_t>()) {
    if (width->as<std::int64_t>() < 0 || width->as<std::int64_t>() > 200)
      return context.fail("an indent beyond 200");
    prefix = std::string(static_cast<std::size_t>(width->as<std::int64_t>()), ' ');
  }
  const Text text = printed(context, input);
  context.charge_bytes(text.bytes.size() * (prefix.size() + sizeof(Text)));
  if (context.failed()) return Value();
  return context.text(
      indent(text, prefix, first != nullptr && truthy(*first), blank != nullptr && truthy(*blank)));
}

Value text_filter(Context& context, std::string_view name, const Value& input,
                  const Arguments& arguments) {
  const Value text = context.text(printed(context, input));
  return context.failed() ? Value() : call_method(context, name, text, arguments);
}

}  // namespace

bool is_known_filter(std::string_view name) {
  return std::find(kFilters.begin(), kFilters.end(), name) != kFilters.end();
}

Value apply_filter(Context& context, std::string_view name, const Value& input,
                   const Arguments& arguments) {
  context.charge(weight_of(input));
  if (context.failed()) return Value();
  if (name == "default" || name == "d") {
    const Value* falsy = arguments.find(1, "boolean");
    const bool use =
        input.is<Undefined>() || (falsy != nullptr && truthy(*falsy) && !truthy(input));
    const Value* value = arguments.find(0, "default_value");
    if (!use) return input;
    return value == nullptr ? context.text("") : *value;
  }
  if (name == "length" || name == "count") return length(context, input);
  if (name == "trim") return text_filter(context, "strip", input, arguments);
  if (name == "upper" || name == "lower" || name == "title" || name == "capitalize" ||
      name == "replace") {
    return text_filter(context, name, input, arguments);
  }
  if (name == "string") return context.text(printed(context, input));
  if (name == "safe") return input;
  if (name == "int") return to_integer(context, input, arguments);
  if (name == "abs") {
    if (!input.is_number()) return context.fail(fmt::format("abs of {}", kind_name(input)));
    return input.number() < 0 ? apply_binary(context, "-", Value(std::int64_t{0}), input) : input;
  }
  if (name == "float") return to_real(input, arguments);
  if (name == "join") return join(context, input, arguments);
  if (name == "list") return context.list(elements(context, input));
  if (name == "first") return first_or_last(context, input, true);
  if (name == "last") return first_or_last(context, input, false);
  if (name == "reverse") return reverse(context, input);
  if (name == "map") return map(context, input, arguments);
  if (name == "select") return select(context, input, arguments, false, true);
  if (name == "reject") return select(context, input, arguments, false, false);
  if (name == "selectattr") return select(context, input, arguments, true, true);
  if (name == "rejectattr") return select(context, input, arguments, true, false);
  if (name == "items") {
    return input.is<Undefined>() ? context.list({})
                                 : call_method(context, "items", input, Arguments());
  }
  if (name == "indent") return indent_filter(context, input, arguments);
  if (name == "tojson") {
    const Value* indent = arguments.find(std::numeric_limits<std::size_t>::max(), "indent");
    if (indent == nullptr)
      indent = arguments.positional.empty() ? nullptr : &arguments.positional[0];
    const bool given = indent != nullptr && indent->is<std::int64_t>();
    const std::int64_t width = given ? indent->as<std::int64_t>() : -1;
    if (width > 16) return context.fail("an indent beyond 16");
    return to_json(context, input, static_cast<int>(std::max<std::int64_t>(width, -1)));
  }
  return context.fail(fmt::format("the filter \"{}\" is not supported", name));
}

}  // namespace mneme::jinja
