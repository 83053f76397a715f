// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_interpreter.h"

#include <fmt/format.h>

#include <algorithm>

#include "base/check.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_print.h"

namespace mneme::jinja {

using Kind = Node::Kind;

Interpreter::Interpreter(const Node& root, Context& context) : root_(root), context_(context) {
  given_ = new_scope(nullptr);
  template_ = new_scope(given_);
  scope_ = template_;
}

void Interpreter::set(std::string_view name, Value value) {
  given_->variables.emplace_back(name, std::move(value));
}

Result<Text> Interpreter::run() {
  Text out;
  execute(root_, out);
  if (context_.failed()) return context_.error();
  return out;
}

Scope* Interpreter::new_scope(Scope* parent) {
  Scope* scope = nullptr;
  if (free_scopes_.empty()) {
    context_.charge_bytes(sizeof(Scope) + 256);
    scopes_.push_back(std::make_unique<Scope>());
    scope = scopes_.back().get();
  } else {
    scope = free_scopes_.back();
    free_scopes_.pop_back();
  }
  scope->parent = parent;
  return scope;
}

void Interpreter::release(Scope* scope) {
  if (scope->captured) return;
  scope->variables.clear();
  free_scopes_.push_back(scope);
}

Value Interpreter::make_macro(const Node& node) {
  for (Scope* scope = scope_; scope != nullptr && !scope->captured; scope = scope->parent)
    scope->captured = true;
  return Value(Macro{&node, scope_});
}

void Interpreter::set_variable(Scope& scope, std::string_view name, Value value) {
  context_.charge(1 + scope.variables.size() / 8);
  for (auto& [key, old] : scope.variables) {
    if (key == name) {
      old = std::move(value);
      return;
    }
  }
  context_.charge_bytes(sizeof(Value) + sizeof(std::string_view));
  scope.variables.emplace_back(name, std::move(value));
}

Interpreter::Flow Interpreter::execute(const Node& node, Text& out) {
  context_.charge(1);
  const Deeper deeper(*this);
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
      for (const NodePtr& child : node.children) print(evaluate(*child), out);
      return Flow::normal;
    case Kind::branch:
      return execute_branch(node, out);
    case Kind::loop:
      return execute_loop(node, out);
    case Kind::assign: {
      const Value value = evaluate(*node.children[1]);
      context_.line = node.line;
      if (!context_.failed()) assign(*node.children[0], value);
      return Flow::normal;
    }
    case Kind::loop_break:
      return Flow::broken;
    case Kind::loop_continue:
      return Flow::continued;
    default:
      return execute_statement(node, out);
  }
}

// The rarer statements.
Interpreter::Flow Interpreter::execute_statement(const Node& node, Text& out) {
  context_.line = node.line;
  switch (node.kind) {
    case Kind::capture:
      return execute_capture(node);
    case Kind::macro:
      set_variable(*scope_, node.name, make_macro(node));
      return Flow::normal;
    case Kind::call_block: {
      const Value caller = make_macro(*node.children[1]);
      print(evaluate_call(*node.children[0], &caller), out);
      return Flow::normal;
    }
    case Kind::filter_block:
      return execute_filter_block(node, out);
    case Kind::with:
      return execute_with(node, out);
    case Kind::block: {
      const InnerScope inner(*this, node.flag ? scope_ : template_);
      execute(*node.children[0], out);
      return Flow::normal;
    }
    case Kind::scope: {
      const InnerScope inner(*this, scope_);
      return execute(*node.children[0], out);
    }
    case Kind::autoescape: {
      if (truthy(evaluate(*node.children[0])))
        context_.fail("autoescape with anything but false is not supported");
      const InnerScope inner(*this, scope_);
      return execute(*node.children[1], out);
    }
    case Kind::load:
      context_.fail(
          fmt::format("{}: a chat template stands alone, there is none to load", node.name));
      return Flow::normal;
    default:
      CHECK(false);
      return Flow::normal;
  }
}

void Interpreter::print(const Value& value, Text& out) {
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

Interpreter::Flow Interpreter::execute_loop(const Node& node, Text& out) {
  const Value iterable = evaluate(*node.children[1]);
  context_.line = node.line;
  return run_loop(node, elements(context_, iterable), scope_, 0, out);
}

Interpreter::Flow Interpreter::run_loop(const Node& node, std::vector<Value> items, Scope* outer,
                                        std::int64_t depth0, Text& out) {
  bool walked = false;
  if (!context_.failed() && !items.empty()) {
    const InnerScope inner(*this, outer);
    if (const Node* filter = node.children[2].get()) {
      std::vector<Value> kept;
      for (Value& item : items) {
        scope_->variables.clear();
        assign(*node.children[0], item);
        if (truthy(evaluate(*filter))) kept.push_back(std::move(item));
        if (context_.failed()) return Flow::normal;
      }
      items = std::move(kept);
    }
    context_.charge_bytes(sizeof(Loop));
    loops_.push_back(std::make_unique<Loop>());
    Loop& loop = *loops_.back();
    loop.items = std::move(items);
    loop.node = &node;
    loop.outer = outer;
    loop.depth0 = depth0;
    walked = !loop.items.empty();
    for (; loop.at < loop.items.size() && !context_.failed(); ++loop.at) {
      scope_->variables.clear();
      assign(*node.children[0], loop.items[loop.at]);
      set_variable(*scope_, "loop", Value(&loop));
      if (execute(*node.children[3], out) == Flow::broken) break;
    }
  }
  if (walked || !node.children[4] || context_.failed()) return Flow::normal;
  const InnerScope inner(*this, outer);
  return execute(*node.children[4], out);
}

Interpreter::Flow Interpreter::execute_capture(const Node& node) {
  Text text;
  Flow flow = Flow::normal;
  {
    const InnerScope inner(*this, scope_);
    flow = execute(*node.children[1], text);
  }
  Value value = context_.text(std::move(text));
  if (const Node* filter = node.children[2].get()) {
    const Value* around = std::exchange(block_text_, &value);
    Value filtered = evaluate(*filter);
    block_text_ = around;
    value = std::move(filtered);
  }
  context_.line = node.line;
  if (!context_.failed()) assign(*node.children[0], value);
  return flow;
}

Interpreter::Flow Interpreter::execute_filter_block(const Node& node, Text& out) {
  Text text;
  const InnerScope inner(*this, scope_);
  const Flow flow = execute(*node.children[1], text);
  const Value value = context_.text(std::move(text));
  const Value* around = std::exchange(block_text_, &value);
  print(evaluate(*node.children[0]), out);
  block_text_ = around;
  return flow;
}

Interpreter::Flow Interpreter::execute_with(const Node& node, Text& out) {
  std::vector<Value> values;  // all of them before the first is assigned
  for (std::size_t i = 2; i < node.children.size(); i += 2)
    values.push_back(evaluate(*node.children[i]));
  const InnerScope inner(*this, scope_);
  for (std::size_t i = 0; i < values.size() && !context_.failed(); ++i)
    assign(*node.children[2 * i + 1], values[i]);
  return execute(*node.children[0], out);
}

void Interpreter::assign(const Node& target, const Value& value) {
  if (target.kind == Kind::name) {
    set_variable(*scope_, target.name, value);
    return;
  }
  if (target.kind == Kind::attribute_target) {
    assign_attribute(target, value);
    return;
  }
  const std::vector<Value> parts = elements(context_, value);
  if (context_.failed()) return;
  if (parts.size() != target.children.size()) {
    context_.fail(fmt::format("{} names for {} values", target.children.size(), parts.size()));
    return;
  }
  for (std::size_t i = 0; i < parts.size(); ++i) assign(*target.children[i], parts[i]);
}

void Interpreter::assign_attribute(const Node& target, const Value& value) {
  const Value space = lookup(target.name);
  const std::string& name = target.names[0];
  if (!space.is<Namespace*>()) {
    context_.fail(
        fmt::format("only attributes of a namespace can be set, not of {}", kind_name(space)));
    return;
  }
  if (name.starts_with('_')) {
    context_.fail("an attribute of a namespace cannot begin with _");
    return;
  }
  auto& items = space.as<Namespace*>()->items;
  context_.charge(1 + items.size() / 8);
  const auto same = std::find_if(items.begin(), items.end(),
                                 [&](const auto& item) { return item.first->bytes == name; });
  if (same == items.end()) {
    context_.charge_bytes(sizeof(Value) + sizeof(Text) + name.size());
    items.emplace_back(std::make_shared<const Text>(name), value);
  } else {
    same->second = value;
  }
}

}  // namespace mneme::jinja
