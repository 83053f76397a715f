// SPDX-License-Identifier: Apache-2.0
// Runs a parsed chat template once. One thread.
#pragma once

#include <memory>
#include <string_view>
#include <utility>
#include <vector>

#include "inference/text/jinja_context.h"
#include "inference/text/jinja_node.h"

namespace mneme::jinja {

// Variables of a template, a loop's round, a macro's call. What a macro can still see outlives its
// statement.
struct Scope {
  std::vector<std::pair<std::string_view, Value>> variables;
  Scope* parent = nullptr;
  bool captured = false;
};

class Interpreter {
 public:
  Interpreter(const Node& root, Context& context);

  void set(std::string_view name, Value value);  // `name` outlives the interpreter
  Result<Text> run();

 private:
  friend class InnerScope;
  friend class Deeper;
  enum class Flow : unsigned char { normal, broken, continued };
  // Nodes within each other, and macros; together they bound the use of the stack.
  static constexpr int kMaxDepth = 1200;
  static constexpr int kMaxMacroDepth = 100;

  // Statements: jinja_interpreter.cpp.
  Flow execute(const Node& node, Text& out);
  Flow execute_statement(const Node& node, Text& out);
  Flow execute_loop(const Node& node, Text& out);
  Flow run_loop(const Node& node, std::vector<Value> items, Scope* outer, std::int64_t depth0,
                Text& out);
  Flow execute_branch(const Node& node, Text& out);
  Flow execute_capture(const Node& node);
  Flow execute_filter_block(const Node& node, Text& out);
  Flow execute_with(const Node& node, Text& out);
  void print(const Value& value, Text& out);
  void assign(const Node& target, const Value& value);
  void assign_attribute(const Node& target, const Value& value);

  // Expressions: jinja_evaluate.cpp.
  Value evaluate(const Node& node);
  Value evaluate_node(const Node& node);
  Value evaluate_filter(const Node& node);
  Value evaluate_sign(const Node& node);
  Value evaluate_slice(const Node& node);
  Value evaluate_compare(const Node& node);
  Value evaluate_collection(const Node& node);
  Value lookup(std::string_view name);

  // Calls: jinja_call.cpp; functions that stand alone: jinja_functions.cpp.
  Value evaluate_call(const Node& node, const Value* caller);
  Arguments evaluate_arguments(const Node& node);
  void unpack(const Node& node, Arguments& arguments);
  Value call(const Value& function, const Arguments& arguments, std::string_view name);
  Value call_macro(const Macro& macro, const Arguments& arguments);
  void bind_parameters(const Node& macro, const Arguments& arguments);
  Value call_loop(Loop& loop, const Arguments& arguments);
  Value call_joiner(Cycle& joiner, const Arguments& arguments);
  Value call_function(std::string_view name, const Arguments& arguments);
  Value make_namespace(const Arguments& arguments);
  Value make_range(const Arguments& arguments);
  Value make_cycler(const Arguments& arguments);
  Value make_joiner(const Arguments& arguments);
  std::vector<std::pair<Value, Value>> pairs(const Arguments& arguments);  // as dict() takes them

  Scope* new_scope(Scope* parent);
  void release(Scope* scope);
  void set_variable(Scope& scope, std::string_view name, Value value);
  Value make_macro(const Node& node);

  const Node& root_;
  Context& context_;
  std::vector<std::unique_ptr<Scope>> scopes_;
  std::vector<Scope*> free_scopes_;
  Scope* given_ = nullptr;             // what render() gives
  Scope* template_ = nullptr;          // the template's own
  Scope* scope_ = nullptr;             // at work
  const Value* block_text_ = nullptr;  // what a filter without an input gets
  std::vector<std::unique_ptr<Namespace>> namespaces_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::vector<std::unique_ptr<Cycle>> cycles_;
  int depth_ = 0;
  int macro_depth_ = 0;
};

// A scope below `parent` for as long as it lives.
class InnerScope {
 public:
  InnerScope(Interpreter& interpreter, Scope* parent)
      : interpreter_(interpreter), outer_(interpreter.scope_) {
    interpreter_.scope_ = interpreter_.new_scope(parent);
  }
  ~InnerScope() {
    interpreter_.release(interpreter_.scope_);
    interpreter_.scope_ = outer_;
  }
  InnerScope(const InnerScope&) = delete;
  InnerScope& operator=(const InnerScope&) = delete;

 private:
  Interpreter& interpreter_;
  Scope* outer_;
};

// One node deeper for as long as it lives; too deep is an error.
class Deeper {
 public:
  explicit Deeper(Interpreter& interpreter) : interpreter_(interpreter) {
    if (++interpreter_.depth_ > Interpreter::kMaxDepth)
      interpreter_.context_.fail("it is nested too deeply, or macros call each other too deeply");
  }
  ~Deeper() { --interpreter_.depth_; }
  Deeper(const Deeper&) = delete;
  Deeper& operator=(const Deeper&) = delete;

 private:
  Interpreter& interpreter_;
};

}  // namespace mneme::jinja
