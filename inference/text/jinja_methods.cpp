// SPDX-License-Identifier: Apache-2.0
// Which methods a value has, and those of mappings, lists, numbers and cyclers.
#include "inference/text/jinja_methods.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "inference/text/jinja_loop.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

Value get(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "get", arguments, {"/key", "/default"}, 1);
  if (context.failed()) return Value();
  if (!hashable(*bound[0]))
    return context.fail(fmt::format("{} as a mapping's key", kind_name(*bound[0])));
  context.charge(object.as<DictPtr>()->items.size() / 8 + weight_of(*bound[0]));
  const Value* value = object.as<DictPtr>()->find(*bound[0]);
  if (value != nullptr) return *value;
  return bound[1] == nullptr ? Value(None{}) : *bound[1];
}

template <List::Kind View>
Value view(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "keys, values or items", arguments, {});
  if (context.failed()) return Value();
  std::vector<Value> out;
  for (const auto& [key, value] : object.as<DictPtr>()->items) {
    out.push_back(View == List::Kind::keys     ? key
                  : View == List::Kind::values ? value
                                               : context.list({key, value}, List::Kind::tuple));
  }
  return context.list(std::move(out), View);
}

Value copy(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "copy", arguments, {});
  return context.failed() ? Value() : object;  // nothing can change either of them
}

Value from_keys(Context& context, const Value&, const Arguments& arguments) {
  const Bound bound(context, "fromkeys", arguments, {"/iterable", "/value"}, 1);
  if (context.failed()) return Value();
  std::vector<std::pair<Value, Value>> items;
  for (const Value& key : elements(context, *bound[0]))
    items.emplace_back(key, bound[1] == nullptr ? Value(None{}) : *bound[1]);
  return context.failed() ? Value() : context.dict(std::move(items));
}

Value index(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "index", arguments, {"/value", "/start", "/stop"}, 1);
  if (context.failed()) return Value();
  const auto& items = object.as<ListPtr>()->items;
  const auto size = static_cast<std::int64_t>(items.size());
  const auto from = [&](std::int64_t at) {
    return std::clamp<std::int64_t>(at < 0 ? at + size : at, 0, size);
  };
  const std::int64_t end = from(bound.whole(2, size));
  context.charge(static_cast<std::uint64_t>(size) * (weight_of(*bound[0]) / 8 + 1));
  for (std::int64_t i = from(bound.whole(1, 0)); i < end && !context.failed(); ++i) {
    if (equal(items[static_cast<std::size_t>(i)], *bound[0])) return Value(i);
  }
  return context.fail("index of what is not in the list");
}

Value count(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "count", arguments, {"/value"}, 1);
  if (context.failed()) return Value();
  const auto& items = object.as<ListPtr>()->items;
  context.charge(items.size() * (weight_of(*bound[0]) / 8 + 1));
  if (context.failed()) return Value();
  return Value(static_cast<std::int64_t>(std::count_if(
      items.begin(), items.end(), [&](const Value& value) { return equal(value, *bound[0]); })));
}

Value is_integer(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "is_integer", arguments, {});
  return Value(std::isfinite(object.number()) && std::trunc(object.number()) == object.number());
}

Value bit_length(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "bit_length", arguments, {});
  std::int64_t bits = 0;
  for (std::int64_t value = object.whole(); value != 0; value /= 2) ++bits;
  return Value(bits);
}

Value next(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "next", arguments, {});
  Cycle& cycle = *object.as<Cycle*>();
  const Value value = cycle.items[cycle.at];
  cycle.at = (cycle.at + 1) % cycle.items.size();
  return value;
}

Value reset(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "reset", arguments, {});
  object.as<Cycle*>()->at = 0;
  return Value(None{});
}

constexpr MethodEntry kDict[] = {{"copy", copy},
                                 {"fromkeys", from_keys},
                                 {"get", get},
                                 {"items", view<List::Kind::pairs>},
                                 {"keys", view<List::Kind::keys>},
                                 {"values", view<List::Kind::values>}};
constexpr MethodEntry kList[] = {{"copy", copy}, {"count", count}, {"index", index}};
constexpr MethodEntry kTuple[] = {{"count", count}, {"index", index}};
constexpr MethodEntry kWhole[] = {{"bit_length", bit_length}};
constexpr MethodEntry kReal[] = {{"is_integer", is_integer}};
constexpr MethodEntry kCycler[] = {{"next", next}, {"reset", reset}};
constexpr MethodEntry kDictFunction[] = {{"fromkeys", from_keys}};

const MethodEntry* find_in(std::span<const MethodEntry> table, std::string_view name) {
  const auto at = std::find_if(table.begin(), table.end(),
                               [&](const MethodEntry& entry) { return entry.name == name; });
  return at == table.end() ? nullptr : &*at;
}

}  // namespace

const MethodEntry* find_method(const Value& object, std::string_view name) {
  if (object.is<TextPtr>()) {
    const MethodEntry* method = find_in(text_methods(), name);
    return method != nullptr ? method : find_in(text_question_methods(), name);
  }
  if (object.is<DictPtr>()) return find_in(kDict, name);
  if (object.is<ListPtr>()) {
    const List::Kind kind = object.as<ListPtr>()->kind;
    if (kind == List::Kind::list) return find_in(kList, name);
    return kind <= List::Kind::range ? find_in(kTuple, name) : nullptr;
  }
  if (object.is<Loop*>()) return find_loop_method(name);
  if (object.is<Cycle*>() && !object.as<Cycle*>()->joiner) return find_in(kCycler, name);
  if (object.is_whole()) return find_in(kWhole, name);
  if (object.is<double>()) return find_in(kReal, name);
  if (object.is<Function>() && object.as<Function>().name == "dict")
    return find_in(kDictFunction, name);
  return nullptr;
}

Value call_method(Context& context, const MethodEntry& method, const Value& object,
                  const Arguments& arguments) {
  context.charge(1 + weight_of(object));
  for (const Value& argument : arguments.positional) {
    context.charge(weight_of(argument));
    if (object.is<TextPtr>() && argument.is<TextPtr>())
      charge_search(context, object.text(), argument.text());
  }
  return context.failed() ? Value() : method.call(context, object, arguments);
}

}  // namespace mneme::jinja
