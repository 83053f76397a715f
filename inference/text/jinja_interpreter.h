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

class Interpreter {
 public:
  Interpreter(const Node& root, Context& context);

  void set(std::string_view name, Value value);  // `name` outlives the interpreter
  Result<Text> run();

 private:
  enum class Flow : unsigned char { normal, broken, continued };
  using Frame = std::vector<std::pair<std::string_view, Value>>;
  static constexpr int kMaxMacroDepth = 6;

  Flow execute(const Node& node, Text& out);
  Flow execute_loop(const Node& node, Text& out);
  Flow execute_branch(const Node& node, Text& out);
  void assign(const Node& node);
  void print(const Node& node, Text& out);
  void bind(const std::vector<std::string>& names, const Value& value);
  void set_loop_variables(const std::vector<Value>& items, std::size_t index);

  Value evaluate(const Node& node);
  Value evaluate_slice(const Node& node);
  Value evaluate_item(const Node& node);
  Value evaluate_call(const Node& node);
  Value evaluate_compare(const Node& node);
  Value evaluate_binary(const Node& node);
  Value evaluate_collection(const Node& node);
  Value call_macro(const Node& macro, Arguments arguments);
  Value call_function(std::string_view name, const Arguments& arguments);
  Value make_namespace(const Arguments& arguments);
  Value make_range(const Arguments& arguments);
  Arguments evaluate_arguments(const Node& node);

  Value lookup(std::string_view name);
  void set_variable(Frame& frame, std::string_view name, Value value);

  const Node& root_;
  Context& context_;
  std::vector<Frame>
      frames_;  // outermost first: what render() gives, the template's, loops, macros
  std::vector<std::unique_ptr<Namespace>> namespaces_;
  int macro_depth_ = 0;
};

// Operators on values; errors go to the context.
Value apply_binary(Context& context, std::string_view op, const Value& left, const Value& right);
bool apply_compare(Context& context, std::string_view op, const Value& left, const Value& right);

}  // namespace mneme::jinja
