// SPDX-License-Identifier: Apache-2.0
// Functions that stand alone: range(3), namespace(x=1), raise_exception("...").
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <clocale>
#include <cmath>
#include <ctime>

#include "inference/text/jinja_interpreter.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_print.h"

namespace mneme::jinja {
namespace {

constexpr std::int64_t kRangeMax = 100'000;  // as Jinja's sandbox has it

Value format_time(Context& context, const Arguments& arguments) {
  const Bound bound(context, "strftime_now", arguments, {"format"}, 1);
  const Text* text = context.failed() ? nullptr : bound.text(0);
  if (text == nullptr) return context.fail("strftime_now takes a format");
  if (text->bytes.empty()) return context.text("");
  if (text->bytes.size() > 200) return context.fail("a time format of more than 200 bytes");
  const auto now = static_cast<std::time_t>(*context.now);
  std::tm parts{};
  if (localtime_r(&now, &parts) == nullptr) return context.fail("the time is out of range");
  // Models were trained with English names, whatever the locale of this program is.
  static const locale_t kPlain = newlocale(LC_ALL_MASK, "C", nullptr);
  std::array<char, 4096> out;
  const std::size_t size = strftime_l(out.data(), out.size(), text->bytes.c_str(), &parts, kPlain);
  return context.text(std::string_view(out.data(), size));
}

}  // namespace

std::vector<std::pair<Value, Value>> Interpreter::pairs(const Arguments& arguments) {
  std::vector<std::pair<Value, Value>> out;
  if (arguments.positional.size() > 1) {
    context_.fail("a mapping is made of one other, or of pairs");
    return out;
  }
  for (const Value& value : arguments.positional) {
    if (value.is<DictPtr>()) {
      context_.charge(value.as<DictPtr>()->items.size());
      out = value.as<DictPtr>()->items;
      continue;
    }
    for (const Value& pair : elements(context_, value)) {
      const std::vector<Value> both = elements(context_, pair);
      if (both.size() != 2) {
        context_.fail("a mapping is made of one other, or of pairs");
        return out;
      }
      out.emplace_back(both[0], both[1]);
    }
  }
  for (const auto& [name, value] : arguments.named) out.emplace_back(Value(name), value);
  return out;
}

Value Interpreter::make_namespace(const Arguments& arguments) {
  const Value items = context_.dict(pairs(arguments));
  context_.charge_bytes(sizeof(Namespace) + 64);
  if (context_.failed()) return Value();
  auto made = std::make_unique<Namespace>();
  for (const auto& [name, value] : items.as<DictPtr>()->items) {
    if (!name.is<TextPtr>() || name.text().bytes.starts_with('_'))
      return context_.fail("an attribute of a namespace cannot begin with _");
    made->items.emplace_back(name.as<TextPtr>(), value);
  }
  namespaces_.push_back(std::move(made));
  return Value(namespaces_.back().get());
}

Value Interpreter::make_cycler(const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.named.empty())
    return context_.fail("cycler takes the values to go through");
  context_.charge_bytes(sizeof(Cycle) + arguments.positional.size() * sizeof(Value));
  cycles_.push_back(std::make_unique<Cycle>());
  cycles_.back()->items = arguments.positional;
  return Value(cycles_.back().get());
}

Value Interpreter::make_joiner(const Arguments& arguments) {
  const Bound bound(context_, "joiner", arguments, {"sep"});
  context_.charge_bytes(sizeof(Cycle) + sizeof(Value));
  if (context_.failed()) return Value();
  cycles_.push_back(std::make_unique<Cycle>());
  cycles_.back()->items = {bound[0] == nullptr ? context_.text(", ") : *bound[0]};
  cycles_.back()->joiner = true;
  return Value(cycles_.back().get());
}

Value Interpreter::make_range(const Arguments& arguments) {
  std::array<std::int64_t, 3> bounds{0, 0, 1};
  const std::size_t count = arguments.positional.size();
  if (count < 1 || count > 3 || !arguments.named.empty())
    return context_.fail("range takes one to three integers");
  for (std::size_t i = 0; i < count; ++i) {
    const Value& value = arguments.positional[i];
    if (!value.is_whole()) return context_.fail(fmt::format("range of {}", kind_name(value)));
    bounds[count == 1 ? 1 : i] = value.whole();
    if (std::abs(value.number()) > 1e15) return context_.fail("a range is too large");
  }
  const std::int64_t step = bounds[2];
  if (step == 0) return context_.fail("a range with step 0");
  auto list = std::make_shared<List>();
  list->kind = List::Kind::range;
  list->range = bounds;
  for (std::int64_t i = bounds[0]; step > 0 ? i < bounds[1] : i > bounds[1]; i += step) {
    if (list->items.size() >= kRangeMax) return context_.fail("a range is too large");
    list->items.push_back(Value(i));
  }
  list->weight = 1 + list->items.size();
  context_.charge(list->items.size());
  context_.charge_bytes(list->items.size() * sizeof(Value) + sizeof(List));
  return Value(ListPtr(std::move(list)));
}

Value Interpreter::call_function(std::string_view name, const Arguments& arguments) {
  if (name == "namespace") return make_namespace(arguments);
  if (name == "range") return make_range(arguments);
  if (name == "dict") return context_.dict(pairs(arguments));
  if (name == "cycler") return make_cycler(arguments);
  if (name == "joiner") return make_joiner(arguments);
  if (name == "strftime_now") return format_time(context_, arguments);
  if (name == "raise_exception") {
    const Bound bound(context_, "raise_exception", arguments, {"message"}, 1);
    if (context_.failed()) return Value();
    const Text text = printed(context_, *bound[0]);
    return context_.failed() ? Value() : context_.refuse(text.bytes);
  }
  return context_.fail(fmt::format("the function \"{}\" is not supported", name));
}

}  // namespace mneme::jinja
