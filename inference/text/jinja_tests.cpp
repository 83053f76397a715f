// SPDX-License-Identifier: Apache-2.0
// Tests: "x is defined", "n is divisibleby 3".
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "base/utf8.h"
#include "inference/text/characters.h"
#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_print.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

bool is_false(const Value& value) {
  return value.is<bool>() && !value.as<bool>();
}

bool is_sequence(const Value& value) {
  return value.is<TextPtr>() || value.is<DictPtr>() || value.is<Undefined>() ||
         (value.is<ListPtr>() && value.as<ListPtr>()->kind <= List::Kind::range);
}

bool is_iterable(const Value& value) {
  return value.is<TextPtr>() || value.is<DictPtr>() || value.is<ListPtr>() ||
         value.is<IteratorPtr>() || value.is<Undefined>() || value.is<Loop*>();
}

bool is_callable(const Value& value) {
  return value.is<Macro>() || value.is<Function>() || value.is<MethodPtr>() || value.is<Loop*>() ||
         value.is<Undefined>() || (value.is<Cycle*>() && value.as<Cycle*>()->joiner);
}

// Python's str.islower and isupper of the value as text.
bool all_cased(Context& context, const Value& value, bool upper) {
  const Text text = printed(context, value);
  context.charge(text.bytes.size() / 8);
  bool any = false;
  for (std::string_view rest = text.bytes; !rest.empty();) {
    const Utf8Step step = utf8_step(rest);
    if (upper ? is_lower(step.code) : is_upper(step.code)) return false;
    if (is_title(step.code)) return false;
    any = any || (upper ? is_upper(step.code) : is_lower(step.code));
    rest.remove_prefix(step.size);
  }
  return any;
}

template <bool (*Holds)(const Value&)>
bool plain(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "is", arguments, {});
  return !context.failed() && Holds(input);
}

template <class Use>
bool with_other(Context& context, const Value& input, const Arguments& arguments, Use use) {
  const Bound bound(context, "is", arguments, {"other"}, 1);
  if (context.failed()) return false;
  context.charge(weight_of(input) + weight_of(*bound[0]));
  return !context.failed() && use(*bound[0]);
}

template <char First, char Second = 0>
bool compared(Context& context, const Value& input, const Arguments& arguments) {
  constexpr char kOp[] = {First, Second, 0};
  return with_other(context, input, arguments,
                    [&](const Value& other) { return apply_compare(context, kOp, input, other); });
}

bool contained(Context& context, const Value& input, const Arguments& arguments) {
  return with_other(context, input, arguments,
                    [&](const Value& other) { return contains(context, other, input); });
}

bool same_as(Context& context, const Value& input, const Arguments& arguments) {
  return with_other(context, input, arguments,
                    [&](const Value& other) { return same(input, other); });
}

bool divisible(Context& context, const Value& input, const Arguments& arguments) {
  return with_other(context, input, arguments, [&](const Value& other) {
    const Value rest = apply_binary(context, "%", input, other);
    return !context.failed() && equal(rest, Value(std::int64_t{0}));
  });
}

template <std::int64_t Rest>
bool rest_of_two(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "is", arguments, {});
  if (context.failed()) return false;
  const Value rest = apply_binary(context, "%", input, Value(std::int64_t{2}));
  return !context.failed() && equal(rest, Value(Rest));
}

template <bool Upper>
bool letters_test(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "is", arguments, {});
  return !context.failed() && all_cased(context, input, Upper);
}

constexpr TestEntry kTests[] = {
    {"!=", compared<'!', '='>},
    {"<", compared<'<'>},
    {"<=", compared<'<', '='>},
    {"==", compared<'=', '='>},
    {">", compared<'>'>},
    {">=", compared<'>', '='>},
    {"boolean", plain<[](const Value& v) { return v.is<bool>(); }>},
    {"callable", plain<is_callable>},
    {"defined", plain<[](const Value& v) { return !v.is<Undefined>(); }>},
    {"divisibleby", divisible},
    {"eq", compared<'=', '='>},
    {"equalto", compared<'=', '='>},
    {"escaped", plain<[](const Value& v) { return v.is<TextPtr>() && v.text().markup; }>},
    {"even", rest_of_two<0>},
    {"false", plain<is_false>},
    {"filter", plain<[](const Value& v) {
       return v.is<TextPtr>() && find_filter(v.text().bytes) != nullptr;
     }>},
    {"float", plain<[](const Value& v) { return v.is<double>(); }>},
    {"ge", compared<'>', '='>},
    {"greaterthan", compared<'>'>},
    {"gt", compared<'>'>},
    {"in", contained},
    {"integer", plain<[](const Value& v) { return v.is<std::int64_t>(); }>},
    {"iterable", plain<is_iterable>},
    {"le", compared<'<', '='>},
    {"lessthan", compared<'<'>},
    {"lower", letters_test<false>},
    {"lt", compared<'<'>},
    {"mapping", plain<[](const Value& v) { return v.is<DictPtr>(); }>},
    {"ne", compared<'!', '='>},
    {"none", plain<[](const Value& v) { return v.is<None>(); }>},
    {"number", plain<[](const Value& v) { return v.is_number(); }>},
    {"odd", rest_of_two<1>},
    {"sameas", same_as},
    {"sequence", plain<is_sequence>},
    {"string", plain<[](const Value& v) { return v.is<TextPtr>(); }>},
    {"test",
     plain<[](const Value& v) { return v.is<TextPtr>() && find_test(v.text().bytes) != nullptr; }>},
    {"true", plain<[](const Value& v) { return v.is<bool>() && v.as<bool>(); }>},
    {"undefined", plain<[](const Value& v) { return v.is<Undefined>(); }>},
    {"upper", letters_test<true>},
};

}  // namespace

const TestEntry* find_test(std::string_view name) {
  const auto* const at = std::find_if(std::begin(kTests), std::end(kTests),
                                      [&](const TestEntry& entry) { return entry.name == name; });
  return at == std::end(kTests) ? nullptr : at;
}

bool apply_test(Context& context, std::string_view name, const Value& input,
                const Arguments& arguments) {
  context.charge(1);
  const TestEntry* test = find_test(name);
  if (test != nullptr) return test->holds(context, input, arguments);
  context.fail(fmt::format("the test \"{}\" is not supported", name.substr(0, 60)));
  return false;
}

}  // namespace mneme::jinja
