// SPDX-License-Identifier: Apache-2.0
// The interpreter's calls: of macros, methods, loops and functions.
#include <fmt/format.h>

#include <algorithm>

#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_interpreter.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_print.h"

namespace mneme::jinja {

using Kind = Node::Kind;

namespace {

std::string_view shortened(std::string_view name) {
  return name.substr(0, 60);
}

const Value* find_named(const Arguments& arguments, std::string_view name) {
  for (const auto& [key, value] : arguments.named) {
    if (key->bytes == name) return &value;
  }
  return nullptr;
}

Value not_callable(Context& context, const Value& function, std::string_view name) {
  if (function.is<Undefined>() && function.as<Undefined>().forbidden) {
    return context.fail(
        fmt::format("\"{}\" would change what it belongs to, or look behind it; templates may not",
                    shortened(name)));
  }
  if (function.is<Undefined>())
    return context.fail(fmt::format("the function \"{}\" is not supported", shortened(name)));
  return context.fail(fmt::format("{} cannot be called", kind_name(function)));
}

}  // namespace

Value Interpreter::evaluate_call(const Node& node, const Value* caller) {
  const Node& callee = *node.children[0];
  Value function;
  Value object;
  const MethodEntry* method = nullptr;
  if (callee.kind == Kind::attribute) {
    object = evaluate(*callee.children[0]);
    if (context_.failed()) return Value();
    method = find_method(object, callee.name);
    if (method == nullptr) function = get_attribute(context_, object, callee.name);
  } else {
    function = evaluate(callee);
  }
  Arguments arguments = evaluate_arguments(node);
  if (context_.failed()) return Value();
  if (caller != nullptr)
    arguments.named.emplace_back(std::make_shared<const Text>("caller"), *caller);
  if (method != nullptr) return call_method(context_, *method, object, arguments);
  if (callee.kind == Kind::attribute && function.is<Undefined>() &&
      !function.as<Undefined>().forbidden) {
    return context_.fail(
        fmt::format("{} has no method \"{}\"", kind_name(object), shortened(callee.name)));
  }
  const bool named = callee.kind == Kind::name || callee.kind == Kind::attribute;
  return call(function, arguments, named ? std::string_view(callee.name) : "?");
}

Value Interpreter::call(const Value& function, const Arguments& arguments, std::string_view name) {
  if (function.is<Macro>()) return call_macro(function.as<Macro>(), arguments);
  if (function.is<Function>()) return call_function(function.as<Function>().name, arguments);
  if (function.is<Loop*>()) return call_loop(*function.as<Loop*>(), arguments);
  if (function.is<Cycle*>() && function.as<Cycle*>()->joiner)
    return call_joiner(*function.as<Cycle*>(), arguments);
  if (function.is<MethodPtr>()) {
    const Method& method = *function.as<MethodPtr>();
    return call_method(context_, *find_method(method.object, method.name), method.object,
                       arguments);
  }
  return not_callable(context_, function, name);
}

Arguments Interpreter::evaluate_arguments(const Node& node) {
  Arguments arguments;
  for (std::size_t i = 1; i < node.children.size() && !context_.failed(); ++i) {
    const Node& child = *node.children[i];
    if (child.kind == Kind::keyword) {
      arguments.named.emplace_back(std::make_shared<const Text>(child.name),
                                   evaluate(*child.children[0]));
    } else if (child.kind == Kind::unpack || child.kind == Kind::unpack_named) {
      unpack(child, arguments);
    } else {
      arguments.positional.push_back(evaluate(child));
    }
  }
  context_.line = node.line;
  return arguments;
}

void Interpreter::unpack(const Node& node, Arguments& arguments) {
  const Value value = evaluate(*node.children[0]);
  if (context_.failed()) return;
  if (node.kind == Kind::unpack) {
    for (Value& item : elements(context_, value)) arguments.positional.push_back(std::move(item));
    return;
  }
  if (!value.is<DictPtr>()) {
    context_.fail(fmt::format("** before {}", kind_name(value)));
    return;
  }
  for (const auto& [key, item] : value.as<DictPtr>()->items) {
    context_.charge(1 + arguments.named.size() / 8);
    if (context_.failed()) return;
    if (!key.is<TextPtr>() || find_named(arguments, key.text().bytes) != nullptr) {
      context_.fail("a ** whose names are no texts, or are given twice");
      return;
    }
    arguments.named.emplace_back(key.as<TextPtr>(), item);
  }
}

Value Interpreter::call_macro(const Macro& macro, const Arguments& arguments) {
  if (macro_depth_ >= kMaxMacroDepth) return context_.fail("macros call each other too deeply");
  const InnerScope inner(*this, macro.scope);
  ++macro_depth_;
  bind_parameters(*macro.node, arguments);
  Text out;
  if (!context_.failed()) execute(*macro.node->children[0], out);
  --macro_depth_;
  return context_.failed() ? Value() : context_.text(std::move(out));
}

// As Jinja's macros take their arguments: what is left over goes to varargs and kwargs where the
// body mentions them, and is an error elsewhere.
void Interpreter::bind_parameters(const Node& macro, const Arguments& arguments) {
  const std::size_t defaults = macro.children.size() - 1;
  const std::size_t count = macro.names.size();
  std::vector<bool> used(arguments.named.size(), false);
  const auto take = [&](std::string_view name) -> const Value* {
    for (std::size_t i = 0; i < used.size(); ++i) {
      if (used[i] || arguments.named[i].first->bytes != name) continue;
      used[i] = true;
      return &arguments.named[i].second;
    }
    return nullptr;
  };
  context_.charge(count * (1 + arguments.named.size() / 8));
  bool caller_is_parameter = false;
  for (std::size_t i = 0; i < count && !context_.failed(); ++i) {
    const Value* given =
        i < arguments.positional.size() ? &arguments.positional[i] : take(macro.names[i]);
    caller_is_parameter = caller_is_parameter || macro.names[i] == "caller";
    const std::size_t from_end = count - i;
    Value value = given != nullptr ? *given
                  : from_end <= defaults
                      ? evaluate(*macro.children[macro.children.size() - from_end])
                      : Value(Undefined{macro.names[i]});
    set_variable(*scope_, macro.names[i], std::move(value));
  }
  if ((macro.uses & Node::kUsesCaller) != 0 && !caller_is_parameter) {
    const Value* caller = take("caller");
    set_variable(*scope_, "caller", caller == nullptr ? Value(Undefined{"caller"}) : *caller);
  }
  std::vector<std::pair<Value, Value>> named;
  for (std::size_t i = 0; i < used.size(); ++i) {
    if (!used[i]) named.emplace_back(Value(arguments.named[i].first), arguments.named[i].second);
  }
  if ((macro.uses & Node::kUsesNamed) != 0) {
    set_variable(*scope_, "kwargs", context_.dict(std::move(named)));
  } else if (!named.empty()) {
    context_.fail(fmt::format("the macro \"{}\" has no parameter \"{}\" that is still free",
                              shortened(macro.name), shortened(named[0].first.text().bytes)));
  }
  std::vector<Value> rest;
  for (std::size_t i = count; i < arguments.positional.size(); ++i)
    rest.push_back(arguments.positional[i]);
  if ((macro.uses & Node::kUsesPositional) != 0) {
    set_variable(*scope_, "varargs", context_.list(std::move(rest), List::Kind::tuple));
  } else if (!rest.empty()) {
    context_.fail(fmt::format("too many arguments for the macro \"{}\"", shortened(macro.name)));
  }
}

Value Interpreter::call_loop(Loop& loop, const Arguments& arguments) {
  const Bound bound(context_, "loop", arguments, {"/iterable"}, 1);
  if (context_.failed()) return Value();
  if (!loop.node->flag) return context_.fail("a loop that is not recursive cannot be called");
  if (macro_depth_ >= kMaxMacroDepth) return context_.fail("loops call each other too deeply");
  ++macro_depth_;
  Text out;
  run_loop(*loop.node, elements(context_, *bound[0]), loop.outer, loop.depth0 + 1, out);
  --macro_depth_;
  return context_.failed() ? Value() : context_.text(std::move(out));
}

Value Interpreter::call_joiner(Cycle& joiner, const Arguments& arguments) {
  const Bound bound(context_, "joiner", arguments, {});
  if (context_.failed()) return Value();
  const bool first = joiner.at == 0;
  joiner.at = 1;
  return first ? context_.text("") : joiner.items[0];
}

}  // namespace mneme::jinja
