// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_interpreter.h"

#include <fmt/format.h>

#include <algorithm>

#include "inference/base/check.h"
#include "inference/text/jinja_builtins.h"

namespace mneme::jinja {

using Kind = Node::Kind;

Interpreter::Interpreter(const Node& root, Context& context)
    : root_(root), context_(context), frames_(2) {}

void Interpreter::set(std::string_view name, Value value) {
  frames_[0].emplace_back(name, std::move(value));
}

Result<Text> Interpreter::run() {
  Text out;
  execute(root_, out);
  if (context_.failed()) return context_.error();
  return out;
}

Value Interpreter::lookup(std::string_view name) {
  for (auto frame = frames_.rbegin(); frame != frames_.rend(); ++frame) {
    context_.charge(1 + frame->size() / 8);
    for (const auto& [key, value] : *frame) {
      if (key == name) return value;
    }
  }
  constexpr std::string_view kFunctions[] = {"range", "namespace", "dict", "raise_exception"};
  for (const std::string_view function : kFunctions) {
    if (function == name) return Value(Function{function});
  }
  if (name == "strftime_now" && context_.now) return Value(Function{"strftime_now"});
  return Value(Undefined{name});
}

void Interpreter::set_variable(Frame& frame, std::string_view name, Value value) {
  context_.charge(1 + frame.size() / 8);
  for (auto& [key, old] : frame) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  frame.emplace_back(name, std::move(value));
}

Interpreter::Flow Interpreter::execute(const Node& node, Text& out) {
  context_.charge(1);
  if (context_.failed()) return Flow::normal;
  switch (node.kind) {
    case Kind::body:
      for (const NodePtr& child : node.children) {
        const Flow flow = execute(*child, out);
        if (flow != Flow::normal || context_.failed()) return flow;
      }
      return Flow::normal;
    case Kind::data:
      context_.charge_bytes(node.name.size());
      if (!context_.failed()) out.append(node.name);
      return Flow::normal;
    case Kind::print:
      print(*node.children[0], out);
      return Flow::normal;
    case Kind::branch:
      return execute_branch(node, out);
    case Kind::loop:
      return execute_loop(node, out);
    case Kind::assign:
      assign(node);
      return Flow::normal;
    case Kind::capture: {
      Text text;
      const Flow flow = execute(*node.children[0], text);
      set_variable(frames_.back(), node.names[0], context_.text(std::move(text)));
      return flow;
    }
    case Kind::macro:
      set_variable(frames_.back(), node.name, Value(Macro{&node}));
      return Flow::normal;
    case Kind::loop_break:
      return Flow::broken;
    case Kind::loop_continue:
      return Flow::continued;
    default:
      CHECK(false);
      return Flow::normal;
  }
}

void Interpreter::print(const Node& node, Text& out) {
  const Value value = evaluate(node);
  if (context_.failed()) return;
  const Text text = printed(context_, value);
  context_.charge_bytes(text.bytes.size() + text.spans.size() * sizeof(Text::Span));
  if (!context_.failed()) out.append(text);
}

Interpreter::Flow Interpreter::execute_branch(const Node& node, Text& out) {
  std::size_t i = 0;
  for (; i + 1 < node.children.size(); i += 2) {
    const bool taken = truthy(evaluate(*node.children[i]));
    if (context_.failed()) return Flow::normal;
    if (taken) return execute(*node.children[i + 1], out);
  }
  return i < node.children.size() ? execute(*node.children[i], out) : Flow::normal;
}

void Interpreter::bind(const std::vector<std::string>& names, const Value& value) {
  if (names.size() == 1) {
    set_variable(frames_.back(), names[0], value);
    return;
  }
  const std::vector<Value> parts = elements(context_, value);
  if (context_.failed()) return;
  if (parts.size() != names.size()) {
    context_.fail(fmt::format("{} names for {} values", names.size(), parts.size()));
    return;
  }
  for (std::size_t i = 0; i < names.size(); ++i) set_variable(frames_.back(), names[i], parts[i]);
}

void Interpreter::assign(const Node& node) {
  const Value value = evaluate(*node.children[0]);
  if (context_.failed()) return;
  context_.line = node.line;
  if (node.name.empty()) {
    bind(node.names, value);
    return;
  }
  const Value target = lookup(node.names[0]);
  if (!target.is<Namespace*>()) {
    context_.fail(
        fmt::format("only attributes of a namespace can be set, not of {}", kind_name(target)));
    return;
  }
  auto& items = target.as<Namespace*>()->items;
  context_.charge(1 + items.size() / 8);
  const auto same = std::find_if(items.begin(), items.end(),
                                 [&](const auto& item) { return item.first == node.name; });
  if (same == items.end()) {
    items.emplace_back(node.name, value);
  } else {
    same->second = value;
  }
}

void Interpreter::set_loop_variables(const std::vector<Value>& items, std::size_t index) {
  static const TextPtr kNames[] = {
      std::make_shared<const Text>("index"),    std::make_shared<const Text>("index0"),
      std::make_shared<const Text>("revindex"), std::make_shared<const Text>("revindex0"),
      std::make_shared<const Text>("first"),    std::make_shared<const Text>("last"),
      std::make_shared<const Text>("length"),   std::make_shared<const Text>("previtem"),
      std::make_shared<const Text>("nextitem")};
  const auto at = static_cast<std::int64_t>(index);
  const auto size = static_cast<std::int64_t>(items.size());
  std::vector<std::pair<TextPtr, Value>> loop{
      {kNames[0], Value(at + 1)},    {kNames[1], Value(at)},
      {kNames[2], Value(size - at)}, {kNames[3], Value(size - at - 1)},
      {kNames[4], Value(at == 0)},   {kNames[5], Value(at + 1 == size)},
      {kNames[6], Value(size)}};
  if (index > 0) loop.emplace_back(kNames[7], items[index - 1]);
  if (index + 1 < items.size()) loop.emplace_back(kNames[8], items[index + 1]);
  context_.charge(20);
  set_variable(frames_.back(), "loop", make_dict(std::move(loop)));
}

Interpreter::Flow Interpreter::execute_loop(const Node& node, Text& out) {
  std::vector<Value> items = elements(context_, evaluate(*node.children[0]));
  frames_.emplace_back();
  if (const Node* filter = node.children[1].get()) {
    std::vector<Value> kept;
    for (Value& item : items) {
      if (context_.failed()) break;
      frames_.back().clear();
      bind(node.names, item);
      if (truthy(evaluate(*filter))) kept.push_back(std::move(item));
    }
    items = std::move(kept);
  }
  for (std::size_t i = 0; i < items.size() && !context_.failed(); ++i) {
    frames_.back().clear();
    bind(node.names, items[i]);
    set_loop_variables(items, i);
    if (execute(*node.children[2], out) == Flow::broken) break;
  }
  frames_.pop_back();
  if (items.empty() && node.children[3] && !context_.failed())
    return execute(*node.children[3], out);
  return Flow::normal;
}

Value Interpreter::evaluate(const Node& node) {
  context_.charge(1);
  if (context_.failed()) return Value();
  context_.line = node.line;
  switch (node.kind) {
    case Kind::literal:
      return node.value;
    case Kind::name:
      return lookup(node.name);
    case Kind::attribute:
      return member(context_, evaluate(*node.children[0]), node.name);
    case Kind::item:
      return evaluate_item(node);
    case Kind::slice:
      return evaluate_slice(node);
    case Kind::call:
      return evaluate_call(node);
    case Kind::filter: {
      const Value input = evaluate(*node.children[0]);
      const Arguments arguments = evaluate_arguments(node);
      return context_.failed() ? Value() : apply_filter(context_, node.name, input, arguments);
    }
    case Kind::test: {
      const Value input = evaluate(*node.children[0]);
      const Arguments arguments = evaluate_arguments(node);
      return context_.failed() ? Value() : Value(apply_test(context_, node.name, input, arguments));
    }
    case Kind::negate:
    case Kind::plus: {
      const Value value = evaluate(*node.children[0]);
      if (context_.failed()) return Value();
      if (!value.is_number())
        return context_.fail(fmt::format("a sign before {}", kind_name(value)));
      return apply_binary(context_, node.kind == Kind::negate ? "-" : "+", Value(std::int64_t{0}),
                          value);
    }
    case Kind::logical_not:
      return Value(!truthy(evaluate(*node.children[0])));
    case Kind::logical_and: {
      Value left = evaluate(*node.children[0]);
      return truthy(left) ? evaluate(*node.children[1]) : left;
    }
    case Kind::logical_or: {
      Value left = evaluate(*node.children[0]);
      return truthy(left) ? left : evaluate(*node.children[1]);
    }
    case Kind::binary:
      return evaluate_binary(node);
    case Kind::compare:
      return evaluate_compare(node);
    case Kind::conditional: {
      const bool taken = truthy(evaluate(*node.children[1]));
      if (taken) return evaluate(*node.children[0]);
      return node.children[2] ? evaluate(*node.children[2]) : Value();
    }
    case Kind::list:
    case Kind::dict:
      return evaluate_collection(node);
    default:
      CHECK(false);
      return Value();
  }
}

Value Interpreter::evaluate_binary(const Node& node) {
  const Value left = evaluate(*node.children[0]);
  const Value right = evaluate(*node.children[1]);
  if (context_.failed()) return Value();
  context_.line = node.line;
  return apply_binary(context_, node.name, left, right);
}

Value Interpreter::evaluate_compare(const Node& node) {
  Value left = evaluate(*node.children[0]);
  for (std::size_t i = 0; i < node.names.size(); ++i) {
    Value right = evaluate(*node.children[i + 1]);
    if (context_.failed()) return Value();
    context_.line = node.line;
    if (!apply_compare(context_, node.names[i], left, right)) return Value(false);
    left = std::move(right);
  }
  return Value(true);
}

Value Interpreter::evaluate_collection(const Node& node) {
  if (node.kind == Kind::list) {
    std::vector<Value> items;
    for (const NodePtr& child : node.children) items.push_back(evaluate(*child));
    return context_.failed() ? Value() : context_.list(std::move(items));
  }
  std::vector<std::pair<TextPtr, Value>> items;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    const Value key = evaluate(*node.children[i]);
    Value value = evaluate(*node.children[i + 1]);
    if (context_.failed()) return Value();
    if (!key.is<TextPtr>())
      return context_.fail(fmt::format("a mapping's key is {}", kind_name(key)));
    items.emplace_back(key.as<TextPtr>(), std::move(value));
  }
  return context_.dict(std::move(items));
}

Value Interpreter::evaluate_item(const Node& node) {
  const Value object = evaluate(*node.children[0]);
  const Value key = evaluate(*node.children[1]);
  if (context_.failed()) return Value();
  if (key.is<TextPtr>()) return member(context_, object, key.text().bytes);
  if (object.is<Undefined>()) return context_.fail("an element of something undefined");
  if (!key.is<std::int64_t>()) return Value();
  std::int64_t index = key.as<std::int64_t>();
  if (object.is<ListPtr>()) {
    const auto& items = object.as<ListPtr>()->items;
    const auto size = static_cast<std::int64_t>(items.size());
    if (index < 0) index += size;
    return index >= 0 && index < size ? items[static_cast<std::size_t>(index)] : Value();
  }
  if (object.is<TextPtr>()) {
    const Text& text = object.text();
    context_.charge(2 * weight_of(object));
    const std::int64_t size = character_count(text.bytes);
    if (index < 0) index += size;
    if (index < 0 || index >= size) return Value();
    const std::size_t begin = character_offset(text.bytes, index);
    return context_.text(
        text.part(begin, begin + character_offset(std::string_view(text.bytes).substr(begin), 1)));
  }
  return Value();
}

// Python's slices: negative indices count from the end, everything is cut to what is there.
Value Interpreter::evaluate_slice(const Node& node) {
  const Value object = evaluate(*node.children[0]);
  Value parts[3];
  for (std::size_t i = 0; i < 3; ++i) {
    parts[i] = node.children[i + 1] ? evaluate(*node.children[i + 1]) : Value(None{});
    if (context_.failed()) return Value();
    if (!parts[i].is<None>() && !parts[i].is<std::int64_t>())
      return context_.fail("a slice takes integers");
  }
  const bool is_text = object.is<TextPtr>();
  if (!is_text && !object.is<ListPtr>())
    return context_.fail(fmt::format("a slice of {}", kind_name(object)));
  const std::int64_t step = parts[2].is<None>() ? 1 : parts[2].as<std::int64_t>();
  if (step == 0 || step > 1'000'000 || step < -1'000'000)
    return context_.fail("a slice with an impossible step");
  const std::vector<Value> items = elements(context_, object);
  if (context_.failed()) return Value();
  const auto size = static_cast<std::int64_t>(items.size());
  const auto bound = [&](const Value& part, std::int64_t missing) {
    if (part.is<None>()) return missing;
    std::int64_t value = part.as<std::int64_t>();
    if (value < 0) value += size;
    return step > 0 ? std::clamp<std::int64_t>(value, 0, size)
                    : std::clamp<std::int64_t>(value, -1, size - 1);
  };
  const std::int64_t begin = bound(parts[0], step > 0 ? 0 : size - 1);
  const std::int64_t end = bound(parts[1], step > 0 ? size : -1);
  std::vector<Value> out;
  for (std::int64_t i = begin; step > 0 ? i < end : i > end; i += step)
    out.push_back(items[static_cast<std::size_t>(i)]);
  if (!is_text) return context_.list(std::move(out));
  Text text;
  for (const Value& character : out) text.append(character.text());
  return context_.text(std::move(text));
}

Arguments Interpreter::evaluate_arguments(const Node& node) {
  Arguments arguments;
  const std::size_t positional = node.children.size() - 1 - node.names.size();
  for (std::size_t i = 1; i < node.children.size(); ++i) {
    Value value = evaluate(*node.children[i]);
    if (context_.failed()) break;
    if (i <= positional) {
      arguments.positional.push_back(std::move(value));
    } else {
      arguments.named.emplace_back(node.names[i - 1 - positional], std::move(value));
    }
  }
  context_.line = node.line;
  return arguments;
}

Value Interpreter::evaluate_call(const Node& node) {
  const Node& callee = *node.children[0];
  if (callee.kind == Kind::attribute) {
    const Value object = evaluate(*callee.children[0]);
    const Arguments arguments = evaluate_arguments(node);
    return context_.failed() ? Value() : call_method(context_, callee.name, object, arguments);
  }
  const Value function = evaluate(callee);
  Arguments arguments = evaluate_arguments(node);
  if (context_.failed()) return Value();
  if (function.is<Macro>()) return call_macro(*function.as<Macro>().node, std::move(arguments));
  if (function.is<Function>()) return call_function(function.as<Function>().name, arguments);
  const std::string_view name =
      callee.kind == Kind::name ? std::string_view(callee.name).substr(0, 60) : "?";
  return context_.fail(fmt::format("the function \"{}\" is not supported", name));
}

Value Interpreter::call_macro(const Node& macro, Arguments arguments) {
  if (macro_depth_ >= kMaxMacroDepth) return context_.fail("macros call each other too deeply");
  if (arguments.positional.size() > macro.names.size()) {
    return context_.fail(fmt::format("too many arguments for the macro \"{}\"", macro.name));
  }
  // A macro sees the template's own variables, not those of the loop that calls it.
  std::vector<Frame> hidden(std::make_move_iterator(frames_.begin() + 2),
                            std::make_move_iterator(frames_.end()));
  frames_.resize(2);
  frames_.emplace_back();
  ++macro_depth_;
  const std::size_t defaults = macro.children.size() - 1;
  for (std::size_t i = 0; i < macro.names.size() && !context_.failed(); ++i) {
    const Value* given = arguments.find(i, macro.names[i]);
    const std::size_t from_end = macro.names.size() - i;
    Value value = given != nullptr ? *given
                  : from_end <= defaults
                      ? evaluate(*macro.children[macro.children.size() - from_end])
                      : Value();
    set_variable(frames_.back(), macro.names[i], std::move(value));
  }
  Text out;
  execute(*macro.children[0], out);
  --macro_depth_;
  frames_.resize(2);
  frames_.insert(frames_.end(), std::make_move_iterator(hidden.begin()),
                 std::make_move_iterator(hidden.end()));
  return context_.failed() ? Value() : context_.text(std::move(out));
}

}  // namespace mneme::jinja
