// SPDX-License-Identifier: Apache-2.0
// What a "." or a "[]" finds: items, methods, and the few attributes of Python's own values.
#include <fmt/format.h>

#include <algorithm>

#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_loop.h"
#include "inference/text/jinja_node.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

// Methods that change a list or a mapping: Jinja's immutable sandbox hides them.
bool changes_its_object(const Value& object, std::string_view name) {
  constexpr std::string_view kList[] = {"append", "clear", "pop",    "reverse",
                                        "insert", "sort",  "extend", "remove"};
  constexpr std::string_view kDict[] = {"clear", "pop", "popitem", "setdefault", "update"};
  if (object.is<DictPtr>())
    return std::find(std::begin(kDict), std::end(kDict), name) != std::end(kDict);
  return object.is<ListPtr>() && object.as<ListPtr>()->kind == List::Kind::list &&
         std::find(std::begin(kList), std::end(kList), name) != std::end(kList);
}

Value hidden(std::string_view name) {
  return Value(Undefined{name, true});
}

Value macro_attribute(Context& context, const Macro& macro, std::string_view name) {
  const Node& node = *macro.node;
  if (name == "name") return context.text(node.name);
  if (name == "arguments") {
    std::vector<Value> names;
    for (const std::string& parameter : node.names) names.push_back(context.text(parameter));
    return context.list(std::move(names), List::Kind::tuple);
  }
  if (name == "caller") return Value((node.uses & Node::kUsesCaller) != 0);
  if (name == "catch_kwargs") return Value((node.uses & Node::kUsesNamed) != 0);
  if (name == "catch_varargs") return Value((node.uses & Node::kUsesPositional) != 0);
  return Value(Undefined{name});
}

Value number_attribute(const Value& number, std::string_view name) {
  if (name == "real") return number.is<double>() ? number : Value(number.whole());
  if (name == "imag") return number.is<double>() ? Value(0.0) : Value(std::int64_t{0});
  if (number.is_whole() && name == "numerator") return Value(number.whole());
  if (number.is_whole() && name == "denominator") return Value(std::int64_t{1});
  return Value(Undefined{name});
}

Value namespace_item(Context& context, const Namespace& space, std::string_view name) {
  context.charge(space.items.size() / 8);
  for (const auto& [key, value] : space.items) {
    if (key->bytes == name) return value;
  }
  return Value(Undefined{name});
}

Value undefined_member(Context& context, const Value& object, std::string_view name) {
  const Undefined& undefined = object.as<Undefined>();
  if (undefined.name.empty())
    return context.fail(fmt::format("\"{}\" of something undefined", name.substr(0, 60)));
  return context.fail(fmt::format("\"{}\" of \"{}\", which is undefined", name.substr(0, 60),
                                  undefined.name.substr(0, 60)));
}

}  // namespace

Value get_attribute(Context& context, const Value& object, std::string_view name) {
  context.charge(1);
  if (object.is<Undefined>()) return undefined_member(context, object, name);
  if (object.is<Namespace*>()) return namespace_item(context, *object.as<Namespace*>(), name);
  if (name.starts_with("__")) return hidden(name);
  if (const MethodEntry* method = find_method(object, name)) {
    context.charge_bytes(sizeof(Method));
    return Value(MethodPtr(std::make_shared<const Method>(Method{object, method->name})));
  }
  if (changes_its_object(object, name)) return hidden(name);
  if (object.is<DictPtr>()) {
    context.charge(object.as<DictPtr>()->items.size() / 8);
    const Value* value = object.as<DictPtr>()->find(name);
    return value == nullptr ? Value(Undefined{name}) : *value;
  }
  if (object.is<ListPtr>()) {
    const List& list = *object.as<ListPtr>();
    if (list.kind == List::Kind::group && name == "grouper") return list.items[0];
    if (list.kind == List::Kind::group && name == "list") return list.items[1];
    if (list.kind == List::Kind::range) {
      constexpr std::string_view kBounds[] = {"start", "stop", "step"};
      for (std::size_t i = 0; i < 3; ++i) {
        if (kBounds[i] == name) return Value(list.range[i]);
      }
    }
  }
  if (object.is<Loop*>()) return loop_attribute(*object.as<Loop*>(), name);
  if (object.is<Cycle*>() && !object.as<Cycle*>()->joiner && name == "current")
    return object.as<Cycle*>()->items[object.as<Cycle*>()->at];
  if (object.is<Cycle*>() && !object.as<Cycle*>()->joiner && name == "items")
    return context.list(object.as<Cycle*>()->items, List::Kind::tuple);
  if (object.is<Macro>()) return macro_attribute(context, object.as<Macro>(), name);
  if (object.is_number()) return number_attribute(object, name);
  return Value(Undefined{name});
}

Value get_item(Context& context, const Value& object, const Value& key) {
  context.charge(1);
  if (object.is<Undefined>()) {
    return undefined_member(context, object,
                            key.is<TextPtr>() ? std::string_view(key.text().bytes) : "an element");
  }
  if (object.is<DictPtr>() && hashable(key)) {
    context.charge(object.as<DictPtr>()->items.size() / 8 + weight_of(key));
    const Value* value = object.as<DictPtr>()->find(key);
    if (value != nullptr) return *value;
  }
  if ((object.is<ListPtr>() || object.is<TextPtr>()) && key.is_whole())
    return contained_at(context, object, key);
  if (!key.is<TextPtr>()) return Value();
  const Value found = get_attribute(context, object, key.text().bytes);
  // The name is the key's, which may not live as long as the value.
  return found.is<Undefined>() ? Value(Undefined{{}, found.as<Undefined>().forbidden}) : found;
}

Value get_path(Context& context, const Value& object, const Value& path) {
  if (!path.is<TextPtr>()) return path.is<None>() ? object : get_item(context, object, path);
  Value value = object;
  for (const Text& part : split(path.text(), ".", -1)) {
    const std::string& name = part.bytes;
    const bool index =
        !name.empty() && name.size() < 18 &&
        std::all_of(name.begin(), name.end(), [](char c) { return c >= '0' && c <= '9'; });
    value = get_item(context, value,
                     index ? Value(static_cast<std::int64_t>(std::stoll(name))) : make_text(part));
    if (context.failed()) break;
  }
  return value;
}

}  // namespace mneme::jinja
