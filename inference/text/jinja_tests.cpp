// SPDX-License-Identifier: Apache-2.0
// Tests: "x is defined", "n is divisibleby 3".
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "inference/text/jinja_builtins.h"

namespace mneme::jinja {
namespace {

constexpr std::array<std::string_view, 16> kPlain{
    "defined", "undefined", "none",    "string",   "number",   "integer", "float", "boolean",
    "true",    "false",     "mapping", "sequence", "iterable", "odd",     "even",  "callable"};
constexpr std::array<std::string_view, 12> kWithArgument{
    "divisibleby", "eq", "equalto", "==", "ne", "in", "gt", "ge", "lt", "le", "sameas", "!="};

template <std::size_t N>
bool any_of(const std::array<std::string_view, N>& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

bool with_argument(Context& context, std::string_view name, const Value& input,
                   const Value& argument) {
  if (name == "eq" || name == "equalto" || name == "sameas") return equal(input, argument);
  if (name == "ne") return !equal(input, argument);
  if (name == "in") return contains(context, argument, input);
  if (!input.is_number() || !argument.is_number()) {
    context.fail(fmt::format("the test \"{}\" compares numbers only", name));
    return false;
  }
  if (name == "gt") return input.number() > argument.number();
  if (name == "ge") return input.number() >= argument.number();
  if (name == "lt") return input.number() < argument.number();
  if (name == "le") return input.number() <= argument.number();
  // divisibleby
  if (!input.is<std::int64_t>() || !argument.is<std::int64_t>() ||
      argument.as<std::int64_t>() == 0 || argument.as<std::int64_t>() == -1) {
    context.fail("divisibleby takes integers, and neither 0 nor -1");
    return false;
  }
  return input.as<std::int64_t>() % argument.as<std::int64_t>() == 0;
}

}  // namespace

bool test_takes_argument(std::string_view name) {
  return any_of(kWithArgument, name);
}
bool is_known_test(std::string_view name) {
  return any_of(kPlain, name) || any_of(kWithArgument, name);
}

bool apply_test(Context& context, std::string_view name, const Value& input,
                const Arguments& arguments) {
  context.charge(1);
  if (test_takes_argument(name)) {
    if (arguments.positional.size() != 1) {
      context.fail(fmt::format("the test \"{}\" takes one argument", name));
      return false;
    }
    context.charge(weight_of(input) + weight_of(arguments.positional[0]));
    return !context.failed() && with_argument(context, name, input, arguments.positional[0]);
  }
  const bool integer = input.is<std::int64_t>();
  if (name == "defined") return !input.is<Undefined>();
  if (name == "undefined") return input.is<Undefined>();
  if (name == "none") return input.is<None>();
  if (name == "string") return input.is<TextPtr>();
  if (name == "number") return input.is_number();
  if (name == "integer") return integer;
  if (name == "float") return input.is<double>();
  if (name == "boolean") return input.is<bool>();
  if (name == "true") return input.is<bool>() && input.as<bool>();
  if (name == "false") return input.is<bool>() && !input.as<bool>();
  if (name == "mapping") return input.is<DictPtr>();
  if (name == "sequence") return input.is<ListPtr>() || input.is<TextPtr>() || input.is<DictPtr>();
  if (name == "iterable") {
    return input.is<ListPtr>() || input.is<TextPtr>() || input.is<DictPtr>() ||
           input.is<Undefined>();
  }
  if (name == "callable") return input.is<Macro>() || input.is<Function>();
  if (!integer) {
    context.fail(fmt::format("the test \"{}\" takes an integer", name));
    return false;
  }
  const bool odd = input.as<std::int64_t>() % 2 != 0;
  return name == "odd" ? odd : !odd;
}

}  // namespace mneme::jinja
