// SPDX-License-Identifier: Apache-2.0
// Functions that stand alone: range(3), namespace(x=1), raise_exception("...").
#include <fmt/format.h>

#include <array>
#include <ctime>

#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_interpreter.h"

namespace mneme::jinja {
namespace {

constexpr std::int64_t kRangeMax = 100'000;  // as Jinja's sandbox has it

Value format_time(Context& context, const Arguments& arguments) {
  if (arguments.positional.size() != 1 || !arguments.positional[0].is<TextPtr>()) {
    return context.fail("strftime_now takes a format");
  }
  const std::string& format = arguments.positional[0].text().bytes;
  if (format.empty()) return context.text("");
  if (format.size() > 200) return context.fail("a time format of more than 200 bytes");
  const auto now = static_cast<std::time_t>(*context.now);
  std::tm parts{};
  if (localtime_r(&now, &parts) == nullptr) return context.fail("the time is out of range");
  std::array<char, 4096> out;
  const std::size_t size = std::strftime(out.data(), out.size(), format.c_str(), &parts);
  return context.text(std::string_view(out.data(), size));
}

}  // namespace

Value Interpreter::make_namespace(const Arguments& arguments) {
  context_.charge_bytes(sizeof(Namespace) + 64);
  if (context_.failed()) return Value();
  auto made = std::make_unique<Namespace>();
  for (const auto& [name, value] : arguments.named)
    made->items.emplace_back(std::string(name), value);
  for (const Value& value : arguments.positional) {
    if (!value.is<DictPtr>()) return context_.fail("namespace takes named values");
    for (const auto& [name, item] : value.as<DictPtr>()->items)
      made->items.emplace_back(name->bytes, item);
  }
  namespaces_.push_back(std::move(made));
  return Value(namespaces_.back().get());
}

Value Interpreter::make_range(const Arguments& arguments) {
  std::int64_t bounds[3] = {0, 0, 1};
  const std::size_t count = arguments.positional.size();
  if (count < 1 || count > 3 || !arguments.named.empty())
    return context_.fail("range takes one to three integers");
  for (std::size_t i = 0; i < count; ++i) {
    const Value& value = arguments.positional[i];
    if (!value.is<std::int64_t>())
      return context_.fail(fmt::format("range of {}", kind_name(value)));
    bounds[count == 1 ? 1 : i] = value.as<std::int64_t>();
    if (std::abs(static_cast<double>(value.as<std::int64_t>())) > 1e15)
      return context_.fail("a range is too large");
  }
  const std::int64_t step = bounds[2];
  if (step == 0) return context_.fail("a range with step 0");
  std::vector<Value> out;
  for (std::int64_t i = bounds[0]; step > 0 ? i < bounds[1] : i > bounds[1]; i += step) {
    if (out.size() >= kRangeMax) return context_.fail("a range is too large");
    out.push_back(Value(i));
  }
  context_.charge(out.size());
  return context_.list(std::move(out));
}

Value Interpreter::call_function(std::string_view name, const Arguments& arguments) {
  if (name == "namespace") return make_namespace(arguments);
  if (name == "range") return make_range(arguments);
  if (name == "strftime_now") return format_time(context_, arguments);
  if (name == "raise_exception") {
    const Text text =
        arguments.positional.empty() ? Text() : printed(context_, arguments.positional[0]);
    return context_.refuse(text.bytes);
  }
  std::vector<std::pair<TextPtr, Value>> items;  // dict(a=1)
  if (!arguments.positional.empty()) return context_.fail("dict takes named values");
  for (const auto& [key, value] : arguments.named)
    items.emplace_back(std::make_shared<const Text>(key), value);
  return context_.dict(std::move(items));
}

}  // namespace mneme::jinja
