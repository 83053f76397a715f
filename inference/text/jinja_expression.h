// SPDX-License-Identifier: Apache-2.0
// The expressions of a chat template, and the cursor over tokens that both parsers share. The first
// error stays: after it the cursor stands at the end and everything unwinds.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/result.h"
#include "inference/text/jinja_lexer.h"
#include "inference/text/jinja_node.h"

namespace mneme::jinja {

class Cursor {
 public:
  explicit Cursor(std::vector<Token> tokens) : tokens_(std::move(tokens)) {}

  const Token& peek(std::size_t ahead = 0) const;
  void next();
  bool at_end() const { return peek().kind == Token::Kind::end; }
  bool take_op(std::string_view op);
  bool take_keyword(std::string_view name);
  std::string take_name(std::string_view what);
  void expect(Token::Kind kind, std::string_view what);

  NodePtr node(Node::Kind kind) const;
  void add(Node& parent, NodePtr child);  // refuses trees that grow too high

  void fail(std::string_view what);
  bool failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }

 private:
  friend class Nesting;
  std::vector<Token> tokens_;
  std::size_t at_ = 0;
  int depth_ = 0;
  std::optional<Error> error_;
};

// Counts nested constructs while they are read; too many are an error.
class Nesting {
 public:
  explicit Nesting(Cursor& cursor);
  ~Nesting() { --cursor_.depth_; }
  Nesting(const Nesting&) = delete;
  Nesting& operator=(const Nesting&) = delete;

 private:
  Cursor& cursor_;
};

class ExpressionParser {
 public:
  explicit ExpressionParser(Cursor& cursor) : cursor_(cursor) {}

  NodePtr expression();                          // with "a if b else c"
  NodePtr tuple();                               // "a, b"
  NodePtr tuple_without_condition();             // where a following "if" is not the expression's
  NodePtr filter_chain(bool first_without_bar);  // "upper | trim", of a block's text
  // What a for or a set assigns to; `attributes`: also one of a namespace.
  NodePtr target(bool attributes);
  bool is_name_taken(std::string_view name) const;  // true, none and the like

  std::uint8_t uses = 0;  // of caller, kwargs and varargs, as Node::uses

 private:
  NodePtr comma_list(bool condition);
  NodePtr one_target(bool attributes);
  NodePtr logical_or();
  NodePtr logical_and();
  NodePtr logical_not();
  NodePtr compare();
  NodePtr sum();
  NodePtr concat();
  NodePtr product();
  NodePtr power();
  NodePtr unary(bool filters);
  NodePtr primary();
  NodePtr literal(Value value);
  NodePtr number();
  NodePtr list();
  NodePtr dict();
  NodePtr postfix(NodePtr node);
  NodePtr subscript(NodePtr object);
  NodePtr filters(NodePtr node);
  NodePtr filter(NodePtr input);
  std::string dotted_name(std::string_view what);
  NodePtr test(NodePtr input);
  void arguments(Node& call);
  NodePtr binary(std::string_view op, NodePtr left, NodePtr right);

  Cursor& cursor_;
};

}  // namespace mneme::jinja
