// SPDX-License-Identifier: Apache-2.0
// The interpreter's expressions.
#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_interpreter.h"
#include "inference/text/jinja_operators.h"

namespace mneme::jinja {

using Kind = Node::Kind;

Value Interpreter::lookup(std::string_view name) {
  for (const Scope* scope = scope_; scope != nullptr; scope = scope->parent) {
    context_.charge(1 + scope->variables.size() / 8);
    for (const auto& [key, value] : scope->variables) {
      if (key == name) return value;
    }
  }
  constexpr std::string_view kFunctions[] = {"range",  "namespace", "dict",  "raise_exception",
                                             "cycler", "joiner",    "lipsum"};
  for (const std::string_view function : kFunctions) {
    if (function == name) return Value(Function{function});
  }
  if (name == "strftime_now" && context_.now) return Value(Function{"strftime_now"});
  return Value(Undefined{name});
}

Value Interpreter::evaluate(const Node& node) {
  context_.charge(1);
  const Deeper deeper(*this);
  if (context_.failed()) return Value();
  context_.line = node.line;
  switch (node.kind) {
    case Kind::literal:
      return node.value;
    case Kind::name:
      return lookup(node.name);
    case Kind::attribute: {
      const Value object = evaluate(*node.children[0]);
      return context_.failed() ? Value() : get_attribute(context_, object, node.name);
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
    default:
      return evaluate_node(node);
  }
}

Value Interpreter::evaluate_node(const Node& node) {
  switch (node.kind) {
    case Kind::item: {
      const Value object = evaluate(*node.children[0]);
      const Value key = evaluate(*node.children[1]);
      return context_.failed() ? Value() : get_item(context_, object, key);
    }
    case Kind::slice:
      return evaluate_slice(node);
    case Kind::call:
      return evaluate_call(node, nullptr);
    case Kind::filter:
      return evaluate_filter(node);
    case Kind::test: {
      const Value input = evaluate(*node.children[0]);
      const Arguments arguments = evaluate_arguments(node);
      return context_.failed() ? Value() : Value(apply_test(context_, node.name, input, arguments));
    }
    case Kind::negate:
    case Kind::plus:
      return evaluate_sign(node);
    case Kind::binary: {
      const Value left = evaluate(*node.children[0]);
      const Value right = evaluate(*node.children[1]);
      if (context_.failed()) return Value();
      context_.line = node.line;
      return apply_binary(context_, node.name, left, right);
    }
    case Kind::compare:
      return evaluate_compare(node);
    case Kind::conditional: {
      const bool taken = truthy(evaluate(*node.children[1]));
      if (taken) return evaluate(*node.children[0]);
      return node.children[2] ? evaluate(*node.children[2]) : Value();
    }
    case Kind::list:
    case Kind::tuple:
    case Kind::dict:
      return evaluate_collection(node);
    default:
      CHECK(false);
      return Value();
  }
}

Value Interpreter::evaluate_filter(const Node& node) {
  const Value input = node.children[0] ? evaluate(*node.children[0]) : *block_text_;
  const Arguments arguments = evaluate_arguments(node);
  return context_.failed() ? Value() : apply_filter(context_, node.name, input, arguments);
}

Value Interpreter::evaluate_sign(const Node& node) {
  const Value value = evaluate(*node.children[0]);
  if (context_.failed()) return Value();
  if (!value.is_number()) return context_.fail(fmt::format("a sign before {}", kind_name(value)));
  if (value.is<double>())
    return Value(node.kind == Kind::negate ? -value.as<double>() : value.as<double>());
  return apply_binary(context_, node.kind == Kind::negate ? "-" : "+", Value(std::int64_t{0}),
                      value);
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
  if (node.kind != Kind::dict) {
    std::vector<Value> items;
    for (const NodePtr& child : node.children) items.push_back(evaluate(*child));
    if (context_.failed()) return Value();
    return context_.list(std::move(items),
                         node.kind == Kind::list ? List::Kind::list : List::Kind::tuple);
  }
  std::vector<std::pair<Value, Value>> items;
  for (std::size_t i = 0; i + 1 < node.children.size(); i += 2) {
    Value key = evaluate(*node.children[i]);
    Value value = evaluate(*node.children[i + 1]);
    if (context_.failed()) return Value();
    items.emplace_back(std::move(key), std::move(value));
  }
  return context_.dict(std::move(items));
}

Value Interpreter::evaluate_slice(const Node& node) {
  const Value object = evaluate(*node.children[0]);
  Value parts[3];
  for (std::size_t i = 0; i < 3; ++i)
    parts[i] = node.children[i + 1] ? evaluate(*node.children[i + 1]) : Value(None{});
  return context_.failed() ? Value() : sliced(context_, object, parts[0], parts[1], parts[2]);
}

}  // namespace mneme::jinja
