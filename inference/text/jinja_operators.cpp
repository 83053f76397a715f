// SPDX-License-Identifier: Apache-2.0
#include <fmt/format.h>

#include <cmath>

#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_interpreter.h"

namespace mneme::jinja {
namespace {

bool is_whole(const Value& value) {
  return value.is<std::int64_t>() || value.is<bool>();
}
std::int64_t whole(const Value& value) {
  return value.is<bool>() ? static_cast<std::int64_t>(value.as<bool>()) : value.as<std::int64_t>();
}

Value whole_arithmetic(Context& context, std::string_view op, std::int64_t a, std::int64_t b) {
  std::int64_t out = 0;
  bool overflow = false;
  if (op == "+") {
    overflow = __builtin_add_overflow(a, b, &out);
  } else if (op == "-") {
    overflow = __builtin_sub_overflow(a, b, &out);
  } else if (op == "*") {
    overflow = __builtin_mul_overflow(a, b, &out);
  } else if (b == 0) {
    return context.fail("a division by zero");
  } else if (op == "/") {
    return Value(static_cast<double>(a) / static_cast<double>(b));
  } else if (b == -1) {  // the one quotient that can overflow
    if (op == "//") overflow = __builtin_sub_overflow(std::int64_t{0}, a, &out);
  } else {
    const bool rounds_down = a % b != 0 && (a < 0) != (b < 0);
    out = op == "//" ? a / b - (rounds_down ? 1 : 0) : a % b + (rounds_down ? b : 0);
  }
  return overflow ? context.fail("a number is too large") : Value(out);
}

Value real_arithmetic(Context& context, std::string_view op, double a, double b) {
  if (op == "+") return Value(a + b);
  if (op == "-") return Value(a - b);
  if (op == "*") return Value(a * b);
  if (b == 0) return context.fail("a division by zero");
  if (op == "/") return Value(a / b);
  if (op == "//") return Value(std::floor(a / b));
  return Value(a - b * std::floor(a / b));
}

Value concatenate(Context& context, Text left, const Text& right) {
  context.charge(right.bytes.size() / 64 + right.spans.size());
  left.append(right);
  return context.text(std::move(left));
}

Value repeat(Context& context, const Text& text, std::int64_t times) {
  if (times < 0) times = 0;
  const std::uint64_t size = text.bytes.size() + text.spans.size() * sizeof(Text::Span) + 1;
  if (static_cast<std::uint64_t>(times) > (std::uint64_t{1} << 40) / size)
    return context.fail("a text is repeated too often");
  context.charge_bytes(size * static_cast<std::uint64_t>(times));
  context.charge(static_cast<std::uint64_t>(times));
  Text out;
  for (std::int64_t i = 0; i < times && !context.failed(); ++i) out.append(text);
  return context.failed() ? Value() : context.text(std::move(out));
}

}  // namespace

Value apply_binary(Context& context, std::string_view op, const Value& left, const Value& right) {
  if (op == "~") {
    Text text = printed(context, left);
    return concatenate(context, std::move(text), printed(context, right));
  }
  if (left.is_number() && right.is_number()) {
    if (is_whole(left) && is_whole(right))
      return whole_arithmetic(context, op, whole(left), whole(right));
    return real_arithmetic(context, op, left.number(), right.number());
  }
  if (op == "+" && left.is<TextPtr>() && right.is<TextPtr>())
    return concatenate(context, left.text(), right.text());
  if (op == "+" && left.is<ListPtr>() && right.is<ListPtr>()) {
    std::vector<Value> all = elements(context, left);
    const std::vector<Value> more = elements(context, right);
    all.insert(all.end(), more.begin(), more.end());
    return context.list(std::move(all));
  }
  if (op == "*" && left.is<TextPtr>() && right.is<std::int64_t>()) {
    return repeat(context, left.text(), right.as<std::int64_t>());
  }
  return context.fail(
      fmt::format("{} {} {} makes no sense here", kind_name(left), op, kind_name(right)));
}

bool apply_compare(Context& context, std::string_view op, const Value& left, const Value& right) {
  context.charge(std::min(weight_of(left), weight_of(right)));
  if (context.failed()) return false;
  if (op == "==") return equal(left, right);
  if (op == "!=") return !equal(left, right);
  if (op == "in") return contains(context, right, left);
  if (op == "not in") return !contains(context, right, left);
  const bool texts = left.is<TextPtr>() && right.is<TextPtr>();
  if (!texts && !(left.is_number() && right.is_number())) {
    context.fail(
        fmt::format("{} {} {} makes no sense here", kind_name(left), op, kind_name(right)));
    return false;
  }
  const int order = texts ? left.text().bytes.compare(right.text().bytes)
                          : (left.number() > right.number()) - (left.number() < right.number());
  if (op == "<") return order < 0;
  if (op == ">") return order > 0;
  if (op == "<=") return order <= 0;
  return order >= 0;
}

}  // namespace mneme::jinja
