// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_loop.h"

#include <algorithm>

namespace mneme::jinja {
namespace {

Value cycle(Context& context, const Value& object, const Arguments& arguments) {
  if (arguments.positional.empty() || !arguments.named.empty())
    return context.fail("loop.cycle takes the values to go through");
  return arguments.positional[object.as<Loop*>()->at % arguments.positional.size()];
}

Value changed(Context& context, const Value& object, const Arguments& arguments) {
  Loop& loop = *object.as<Loop*>();
  if (!arguments.named.empty()) return context.fail("loop.changed takes no named values");
  for (const Value& value : arguments.positional) context.charge(weight_of(value));
  if (context.failed()) return Value();
  const bool differs =
      !loop.asked || !std::equal(loop.changed.begin(), loop.changed.end(),
                                 arguments.positional.begin(), arguments.positional.end(), equal);
  loop.asked = true;
  if (differs) loop.changed = arguments.positional;
  return Value(differs);
}

constexpr MethodEntry kLoopMethods[] = {{"cycle", cycle}, {"changed", changed}};

}  // namespace

const MethodEntry* find_loop_method(std::string_view name) {
  const auto* const at = std::find_if(std::begin(kLoopMethods), std::end(kLoopMethods),
                                      [&](const MethodEntry& entry) { return entry.name == name; });
  return at == std::end(kLoopMethods) ? nullptr : at;
}

Value loop_attribute(const Loop& loop, std::string_view name) {
  const auto at = static_cast<std::int64_t>(loop.at);
  const auto size = static_cast<std::int64_t>(loop.items.size());
  if (name == "index") return Value(at + 1);
  if (name == "index0") return Value(at);
  if (name == "revindex") return Value(size - at);
  if (name == "revindex0") return Value(size - at - 1);
  if (name == "first") return Value(at == 0);
  if (name == "last") return Value(at + 1 == size);
  if (name == "length") return Value(size);
  if (name == "depth") return Value(loop.depth0 + 1);
  if (name == "depth0") return Value(loop.depth0);
  if (name == "previtem") return at > 0 ? loop.items[loop.at - 1] : Value(Undefined{"previtem"});
  if (name == "nextitem")
    return at + 1 < size ? loop.items[loop.at + 1] : Value(Undefined{"nextitem"});
  return Value(Undefined{name});
}

}  // namespace mneme::jinja
