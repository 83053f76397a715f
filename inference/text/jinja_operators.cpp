// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_operators.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <numeric>

#include "inference/text/jinja_format.h"
#include "inference/text/jinja_print.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

constexpr std::int64_t kMaxStep = 1'000'000;

Value senseless(Context& context, std::string_view op, const Value& left, const Value& right) {
  return context.fail(
      fmt::format("{} {} {} makes no sense here", kind_name(left), op, kind_name(right)));
}

Value whole_power(Context& context, std::int64_t base, std::int64_t exponent) {
  if (exponent < 0) {
    if (base == 0) return context.fail("a division by zero");
    return Value(std::pow(static_cast<double>(base), static_cast<double>(exponent)));
  }
  std::int64_t out = 1;
  if (base == 0 || base == 1) return Value(exponent == 0 ? out : base);
  if (base == -1) return Value(exponent % 2 == 0 ? out : base);
  for (std::int64_t i = 0; i < exponent; ++i) {
    if (__builtin_mul_overflow(out, base, &out)) return context.fail("a number is too large");
  }
  return Value(out);
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
  } else if (op == "**") {
    return whole_power(context, a, b);
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

// Python's float arithmetic: the remainder has the divisor's sign.
Value real_arithmetic(Context& context, std::string_view op, double a, double b) {
  if (op == "+") return Value(a + b);
  if (op == "-") return Value(a - b);
  if (op == "*") return Value(a * b);
  if (op == "**") {
    if (a == 0 && b < 0) return context.fail("a division by zero");
    const double power = std::pow(a, b);
    if (std::isnan(power) && !std::isnan(a) && !std::isnan(b))
      return context.fail("a root of a negative number");
    if (std::isinf(power) && std::isfinite(a) && std::isfinite(b))
      return context.fail("a number is too large");
    return Value(power);
  }
  if (b == 0) return context.fail("a division by zero");
  if (op == "/") return Value(a / b);
  double rest = std::fmod(a, b);
  double quotient = (a - rest) / b;
  if (rest != 0 && (b < 0) != (rest < 0)) {
    rest += b;
    quotient -= 1;
  }
  if (op == "%") return Value(rest == 0 ? std::copysign(0.0, b) : rest);
  if (quotient == 0) return Value(std::copysign(0.0, a / b));
  const double whole = std::floor(quotient);
  return Value(quotient - whole > 0.5 ? whole + 1 : whole);
}

Value concatenate(Context& context, Text left, const Text& right) {
  context.charge(right.bytes.size() / 64 + right.spans.size());
  left.append(right);
  return context.text(std::move(left));
}

Value add_texts(Context& context, const Text& left, const Text& right) {
  if (left.markup == right.markup) return concatenate(context, left, right);
  context.charge_bytes(5 * (left.bytes.size() + right.bytes.size()));
  if (context.failed()) return Value();
  return concatenate(context, escape_html(left), escape_html(right));
}

Value repeat(Context& context, const Value& value, std::int64_t times) {
  times = std::max<std::int64_t>(times, 0);
  const bool is_text = value.is<TextPtr>();
  const std::uint64_t size =
      is_text ? value.text().bytes.size() + value.text().spans.size() * sizeof(Text::Span) + 1
              : value.as<ListPtr>()->items.size() * sizeof(Value) + 1;
  if (static_cast<std::uint64_t>(times) > (std::uint64_t{1} << 40) / size)
    return context.fail(
        fmt::format("{} is repeated too often", is_text ? "a text" : kind_name(value)));
  context.charge_bytes(size * static_cast<std::uint64_t>(times));
  context.charge(static_cast<std::uint64_t>(times) * (size / 64 + 1));
  if (context.failed()) return Value();
  if (is_text) {
    Text out;
    out.markup = value.text().markup;
    for (std::int64_t i = 0; i < times; ++i) out.append(value.text());
    return context.text(std::move(out));
  }
  const List& list = *value.as<ListPtr>();
  std::vector<Value> out;
  for (std::int64_t i = 0; i < times; ++i)
    out.insert(out.end(), list.items.begin(), list.items.end());
  return context.list(std::move(out), list.kind);
}

bool is_tuple(const List& list) {
  return list.kind == List::Kind::tuple || list.kind == List::Kind::group;
}
bool can_repeat(const Value& value) {
  return value.is<TextPtr>() ||
         (value.is<ListPtr>() &&
          (value.as<ListPtr>()->kind == List::Kind::list || is_tuple(*value.as<ListPtr>())));
}

Value add_lists(Context& context, const Value& left, const Value& right) {
  const List& a = *left.as<ListPtr>();
  const List& b = *right.as<ListPtr>();
  const bool lists = a.kind == List::Kind::list && b.kind == List::Kind::list;
  if (!lists && !(is_tuple(a) && is_tuple(b))) return senseless(context, "+", left, right);
  std::vector<Value> all = elements(context, left);
  const std::vector<Value> more = elements(context, right);
  all.insert(all.end(), more.begin(), more.end());
  return context.list(std::move(all), lists ? List::Kind::list : List::Kind::tuple);
}

}  // namespace

Value apply_binary(Context& context, std::string_view op, const Value& left, const Value& right) {
  if (op == "~") {
    Text text = printed(context, left);
    text.markup = false;
    return concatenate(context, std::move(text), printed(context, right));
  }
  if (op == "%" && left.is<TextPtr>()) return format_percent(context, left.text(), right);
  if (left.is_number() && right.is_number()) {
    if (left.is_whole() && right.is_whole())
      return whole_arithmetic(context, op, left.whole(), right.whole());
    return real_arithmetic(context, op, left.number(), right.number());
  }
  if (op == "+" && left.is<TextPtr>() && right.is<TextPtr>())
    return add_texts(context, left.text(), right.text());
  if (op == "+" && left.is<ListPtr>() && right.is<ListPtr>())
    return add_lists(context, left, right);
  if (op == "*" && can_repeat(left) && right.is_whole())
    return repeat(context, left, right.whole());
  if (op == "*" && left.is_whole() && can_repeat(right))
    return repeat(context, right, left.whole());
  return senseless(context, op, left, right);
}

int order_of(Context& context, const Value& left, const Value& right) {
  context.charge(1 + std::min(weight_of(left), weight_of(right)));
  if (context.failed()) return 0;
  if (left.is_whole() && right.is_whole())
    return (left.whole() > right.whole()) - (left.whole() < right.whole());
  if (left.is_number() && right.is_number())
    return (left.number() > right.number()) - (left.number() < right.number());
  if (left.is<TextPtr>() && right.is<TextPtr>())
    return left.text().bytes.compare(right.text().bytes);
  if (left.is<ListPtr>() && right.is<ListPtr>()) {
    const List& a = *left.as<ListPtr>();
    const List& b = *right.as<ListPtr>();
    if (can_repeat(left) && can_repeat(right) && is_tuple(a) == is_tuple(b)) {
      for (std::size_t i = 0; i < std::min(a.items.size(), b.items.size()); ++i) {
        if (!equal(a.items[i], b.items[i])) return order_of(context, a.items[i], b.items[i]);
      }
      return (a.items.size() > b.items.size()) - (a.items.size() < b.items.size());
    }
  }
  senseless(context, "<", left, right);
  return 0;
}

std::vector<std::size_t> sorted_order(Context& context, const std::vector<Value>& keys,
                                      bool descending) {
  std::vector<std::size_t> order(keys.size());
  std::iota(order.begin(), order.end(), 0);
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    if (context.failed()) return false;
    const int sign = order_of(context, keys[a], keys[b]);
    return descending ? sign > 0 : sign < 0;
  });
  return order;
}

bool apply_compare(Context& context, std::string_view op, const Value& left, const Value& right) {
  if (op == "in") return contains(context, right, left);
  if (op == "not in") return !contains(context, right, left);
  context.charge(std::min(weight_of(left), weight_of(right)));
  if (context.failed()) return false;
  if (op == "==") return equal(left, right);
  if (op == "!=") return !equal(left, right);
  if (left.is_number() && right.is_number() &&
      (std::isnan(left.number()) || std::isnan(right.number())))
    return false;
  const int order = order_of(context, left, right);
  if (op == "<") return order < 0;
  if (op == ">") return order > 0;
  if (op == "<=") return order <= 0;
  return order >= 0;
}

bool contains(Context& context, const Value& container, const Value& item) {
  context.charge(weight_of(container) + weight_of(item));
  if (context.failed()) return false;
  if (container.is<TextPtr>()) {
    if (!item.is<TextPtr>()) {
      context.fail(fmt::format("\"in\" looks for text in text, not for {}", kind_name(item)));
      return false;
    }
    charge_search(context, container.text(), item.text());
    return !context.failed() && container.text().bytes.find(item.text().bytes) != std::string::npos;
  }
  if (container.is<ListPtr>()) {
    const auto& items = container.as<ListPtr>()->items;
    context.charge(items.size() * (weight_of(item) / 8 + 1));
    return !context.failed() && std::any_of(items.begin(), items.end(),
                                            [&](const Value& value) { return equal(value, item); });
  }
  if (container.is<DictPtr>()) {
    if (!hashable(item)) {
      context.fail(fmt::format("{} as a mapping's key", kind_name(item)));
      return false;
    }
    return container.as<DictPtr>()->find(item) != nullptr;
  }
  if (container.is<IteratorPtr>()) {  // what was passed over is used up, as in Python
    Iterator& iterator = *container.as<IteratorPtr>();
    const std::size_t begin = iterator.at;
    elements(context, container);
    for (iterator.at = begin; iterator.at < iterator.items.size() && !context.failed();) {
      context.charge(1);
      if (equal(iterator.items[iterator.at++], item)) return true;
    }
    return false;
  }
  if (!container.is<Undefined>())
    context.fail(fmt::format("nothing can be \"in\" {}", kind_name(container)));
  return false;
}

Value contained_at(Context& context, const Value& container, const Value& index) {
  std::int64_t at = index.whole();
  if (container.is<ListPtr>()) {
    const List& list = *container.as<ListPtr>();
    if (list.kind > List::Kind::range) return Value();  // views have no order to index by
    const auto size = static_cast<std::int64_t>(list.items.size());
    if (at < 0) at += size;
    return at >= 0 && at < size ? list.items[static_cast<std::size_t>(at)] : Value();
  }
  const Text& text = container.text();
  context.charge(2 * weight_of(container));
  const std::int64_t size = character_count(text.bytes);
  if (at < 0) at += size;
  if (at < 0 || at >= size) return Value();
  const std::size_t begin = character_offset(text.bytes, at);
  return context.text(text.part(first_character(std::string_view(text.bytes).substr(begin))));
}

// Python's slices: negative indices count from the end, everything is cut to what is there.
Value sliced(Context& context, const Value& object, const Value& begin, const Value& end,
             const Value& step_value) {
  for (const Value* part : {&begin, &end, &step_value}) {
    if (!part->is<None>() && !part->is_whole()) return context.fail("a slice takes integers");
  }
  const bool is_text = object.is<TextPtr>();
  if (!is_text && !(object.is<ListPtr>() && object.as<ListPtr>()->kind <= List::Kind::range)) {
    return context.fail(fmt::format("a slice of {}", kind_name(object)));
  }
  const std::int64_t step = step_value.is<None>() ? 1 : step_value.whole();
  if (step == 0 || step > kMaxStep || step < -kMaxStep)
    return context.fail("a slice with an impossible step");
  context.charge(weight_of(object));
  const std::int64_t size = is_text ? character_count(object.text().bytes)
                                    : static_cast<std::int64_t>(object.as<ListPtr>()->items.size());
  const auto bound = [&](const Value& part, std::int64_t missing) {
    if (part.is<None>()) return missing;
    std::int64_t value = part.whole();
    if (value < 0) value += size;
    return step > 0 ? std::clamp<std::int64_t>(value, 0, size)
                    : std::clamp<std::int64_t>(value, -1, size - 1);
  };
  const std::int64_t first = bound(begin, step > 0 ? 0 : size - 1);
  const std::int64_t last = bound(end, step > 0 ? size : -1);
  if (is_text && step == 1) {
    const std::string_view bytes = object.text().bytes;
    const std::size_t from = character_offset(bytes, first);
    return context.text(object.text().part(bytes.substr(
        from, character_offset(bytes.substr(from), std::max(last - first, std::int64_t{0})))));
  }
  const std::vector<Value> items = elements(context, object);
  if (context.failed()) return Value();
  std::vector<Value> out;
  std::int64_t i = first;
  while (step > 0 ? i < last : i > last) {
    out.push_back(items[static_cast<std::size_t>(i)]);
    if (__builtin_add_overflow(i, step, &i)) break;
  }
  if (!is_text) {
    const List::Kind kind = object.as<ListPtr>()->kind;
    if (kind == List::Kind::range) {
      const auto& range = object.as<ListPtr>()->range;
      auto part = std::make_shared<List>();
      part->kind = kind;
      part->range = {range[0] + first * range[2], range[0] + last * range[2], range[2] * step};
      part->weight = 1 + out.size();
      part->items = std::move(out);
      context.charge_bytes(sizeof(List));
      return Value(ListPtr(std::move(part)));
    }
    return context.list(std::move(out), kind == List::Kind::group ? List::Kind::tuple : kind);
  }
  Text text;
  text.markup = object.text().markup;
  for (const Value& character : out) text.append(character.text());
  return context.text(std::move(text));
}

std::vector<Value> elements(Context& context, const Value& value) {
  std::vector<Value> out;
  if (context.failed()) return out;
  if (value.is<ListPtr>()) {
    const auto& items = value.as<ListPtr>()->items;
    context.charge(items.size());
    context.charge_bytes(items.size() * sizeof(Value));
    if (!context.failed()) out = items;
  } else if (value.is<DictPtr>()) {
    for (const auto& item : value.as<DictPtr>()->items) out.push_back(item.first);
    context.charge(out.size());
    context.charge_bytes(out.size() * sizeof(Value));
  } else if (value.is<TextPtr>()) {
    const Text& text = value.text();
    context.charge(text.bytes.size());
    context.charge_bytes(text.bytes.size() * (sizeof(Text) + sizeof(Value)));
    for (std::string_view rest = text.bytes; !rest.empty() && !context.failed();) {
      const std::string_view character = first_character(rest);
      Text part = text.part(character);
      part.markup = false;  // safe texts are walked as plain ones
      out.push_back(make_text(std::move(part)));
      rest.remove_prefix(character.size());
    }
  } else if (value.is<IteratorPtr>()) {
    Iterator& iterator = *value.as<IteratorPtr>();
    if (iterator.make) iterator.items = std::exchange(iterator.make, nullptr)(context);
    context.charge(iterator.items.size());
    context.charge_bytes(iterator.items.size() * sizeof(Value));
    if (!context.failed())
      out.assign(iterator.items.begin() + static_cast<std::ptrdiff_t>(iterator.at),
                 iterator.items.end());
    iterator.at = iterator.items.size();
  } else if (!value.is<Undefined>()) {
    context.fail(fmt::format("{} cannot be walked through", kind_name(value)));
  }
  return out;
}

void charge_search(Context& context, const Text& text, const Text& part) {
  const std::uint64_t worst =
      static_cast<std::uint64_t>(text.bytes.size() / 64 + 1) * (part.bytes.size() + 1);
  context.charge(worst);
}

}  // namespace mneme::jinja
