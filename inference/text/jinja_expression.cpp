// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_expression.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>

#include "inference/text/jinja_parser.h"

namespace mneme::jinja {

using Kind = Node::Kind;

const Token& Cursor::peek(std::size_t ahead) const {
  return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
}

void Cursor::next() {
  if (at_ + 1 < tokens_.size()) ++at_;
}

bool Cursor::take_op(std::string_view op) {
  if (!peek().is_op(op)) return false;
  next();
  return true;
}

bool Cursor::take_keyword(std::string_view name) {
  if (!peek().is_name(name)) return false;
  next();
  return true;
}

std::string Cursor::take_name(std::string_view what) {
  if (peek().kind != Token::Kind::name) {
    fail(fmt::format("{} is missing", what));
    return {};
  }
  std::string name = peek().text;
  next();
  return name;
}

void Cursor::expect(Token::Kind kind, std::string_view what) {
  if (failed()) return;
  if (peek().kind != kind) {
    fail(fmt::format("\"{}\" was expected before \"{}\"", what, peek().text.substr(0, 40)));
    return;
  }
  next();
}

NodePtr Cursor::node(Kind kind) const {
  auto node = std::make_unique<Node>();
  node->kind = kind;
  node->line = peek().line;
  return node;
}

void Cursor::add(Node& parent, NodePtr child) {
  if (child) parent.height = std::max(parent.height, child->height + 1);
  if (parent.height > kMaxHeight) fail("it is nested too deeply");
  parent.children.push_back(std::move(child));
}

void Cursor::fail(std::string_view what) {
  if (!error_) error_ = template_error(peek().line, what);
  at_ = tokens_.size() - 1;
}

Nesting::Nesting(Cursor& cursor) : cursor_(cursor) {
  if (++cursor_.depth_ > kMaxHeight) cursor_.fail("it is nested too deeply");
}

NodePtr ExpressionParser::tuple() {
  return comma_list(true);
}
NodePtr ExpressionParser::tuple_without_condition() {
  return comma_list(false);
}

NodePtr ExpressionParser::comma_list(bool condition) {
  NodePtr first = condition ? expression() : logical_or();
  if (!cursor_.peek().is_op(",")) return first;
  NodePtr node = cursor_.node(Kind::tuple);
  cursor_.add(*node, std::move(first));
  while (!cursor_.failed() && cursor_.take_op(",")) {
    const Token& token = cursor_.peek();
    if (token.is_op(")") || token.kind == Token::Kind::block_end ||
        token.kind == Token::Kind::print_end)
      break;
    cursor_.add(*node, condition ? expression() : logical_or());
  }
  return node;
}

bool ExpressionParser::is_name_taken(std::string_view name) const {
  constexpr std::string_view kTaken[] = {"true", "True", "false", "False", "none", "None"};
  return std::find(std::begin(kTaken), std::end(kTaken), name) != std::end(kTaken);
}

NodePtr ExpressionParser::one_target(bool attributes) {
  Nesting nesting(cursor_);
  if (cursor_.failed()) return cursor_.node(Kind::tuple);
  if (cursor_.take_op("(")) {
    NodePtr inner = cursor_.peek().is_op(")") ? cursor_.node(Kind::tuple) : target(false);
    if (!cursor_.failed() && !cursor_.take_op(")")) cursor_.fail("a ')' is missing");
    return inner;
  }
  NodePtr node = cursor_.node(Kind::name);
  node->name = cursor_.take_name("a variable's name");
  if (is_name_taken(node->name)) cursor_.fail(fmt::format("\"{}\" cannot be set", node->name));
  if (attributes && cursor_.take_op(".")) {
    node->kind = Kind::attribute_target;
    node->names.push_back(cursor_.take_name("an attribute's name"));
  }
  return node;
}

NodePtr ExpressionParser::target(bool attributes) {
  NodePtr first = one_target(attributes);
  if (!cursor_.peek().is_op(",")) return first;
  NodePtr node = cursor_.node(Kind::tuple);
  cursor_.add(*node, std::move(first));
  while (!cursor_.failed() && cursor_.take_op(",")) {
    if (cursor_.peek().is_op(")")) break;
    cursor_.add(*node, one_target(attributes));
  }
  return node;
}

NodePtr ExpressionParser::expression() {
  Nesting nesting(cursor_);
  if (cursor_.failed()) return cursor_.node(Kind::list);
  NodePtr node = logical_or();
  while (!cursor_.failed() && cursor_.peek().is_name("if")) {
    NodePtr conditional = cursor_.node(Kind::conditional);
    cursor_.next();
    cursor_.add(*conditional, std::move(node));
    cursor_.add(*conditional, logical_or());
    cursor_.add(*conditional, cursor_.take_keyword("else") ? expression() : nullptr);
    node = std::move(conditional);
  }
  return node;
}

NodePtr ExpressionParser::logical_or() {
  NodePtr node = logical_and();
  while (!cursor_.failed() && cursor_.peek().is_name("or")) {
    NodePtr either = cursor_.node(Kind::logical_or);
    cursor_.next();
    cursor_.add(*either, std::move(node));
    cursor_.add(*either, logical_and());
    node = std::move(either);
  }
  return node;
}

NodePtr ExpressionParser::logical_and() {
  NodePtr node = logical_not();
  while (!cursor_.failed() && cursor_.peek().is_name("and")) {
    NodePtr both = cursor_.node(Kind::logical_and);
    cursor_.next();
    cursor_.add(*both, std::move(node));
    cursor_.add(*both, logical_not());
    node = std::move(both);
  }
  return node;
}

NodePtr ExpressionParser::logical_not() {
  Nesting nesting(cursor_);
  if (!cursor_.failed() && cursor_.peek().is_name("not")) {
    NodePtr node = cursor_.node(Kind::logical_not);
    cursor_.next();
    cursor_.add(*node, logical_not());
    return node;
  }
  return compare();
}

NodePtr ExpressionParser::compare() {
  NodePtr node = sum();
  NodePtr chain;
  while (!cursor_.failed()) {
    const Token& token = cursor_.peek();
    std::string op;
    if (token.kind == Token::Kind::op &&
        (token.text == "==" || token.text == "!=" || token.text == "<" || token.text == ">" ||
         token.text == "<=" || token.text == ">=")) {
      op = token.text;
    } else if (token.is_name("in")) {
      op = "in";
    } else if (token.is_name("not") && cursor_.peek(1).is_name("in")) {
      op = "not in";
      cursor_.next();
    } else {
      break;
    }
    if (!chain) {
      chain = cursor_.node(Kind::compare);
      cursor_.add(*chain, std::move(node));
    }
    cursor_.next();
    chain->names.push_back(op);
    cursor_.add(*chain, sum());
  }
  return chain ? std::move(chain) : std::move(node);
}

NodePtr ExpressionParser::binary(std::string_view op, NodePtr left, NodePtr right) {
  NodePtr node = cursor_.node(Kind::binary);
  node->name = op;
  cursor_.add(*node, std::move(left));
  cursor_.add(*node, std::move(right));
  return node;
}

NodePtr ExpressionParser::sum() {
  NodePtr node = concat();
  while (!cursor_.failed() && (cursor_.peek().is_op("+") || cursor_.peek().is_op("-"))) {
    const std::string op = cursor_.peek().text;
    cursor_.next();
    node = binary(op, std::move(node), concat());
  }
  return node;
}

NodePtr ExpressionParser::concat() {
  NodePtr node = product();
  while (!cursor_.failed() && cursor_.take_op("~")) node = binary("~", std::move(node), product());
  return node;
}

NodePtr ExpressionParser::product() {
  NodePtr node = power();
  while (!cursor_.failed()) {
    const Token& token = cursor_.peek();
    if (!token.is_op("*") && !token.is_op("/") && !token.is_op("//") && !token.is_op("%")) break;
    const std::string op = token.text;
    cursor_.next();
    node = binary(op, std::move(node), power());
  }
  return node;
}

NodePtr ExpressionParser::power() {
  NodePtr node = unary(true);
  while (!cursor_.failed() && cursor_.take_op("**"))
    node = binary("**", std::move(node), unary(true));
  return node;
}

NodePtr ExpressionParser::unary(bool with_filters) {
  Nesting nesting(cursor_);
  if (cursor_.failed()) return cursor_.node(Kind::list);
  NodePtr node;
  if (cursor_.peek().is_op("-") || cursor_.peek().is_op("+")) {
    node = cursor_.node(cursor_.peek().is_op("-") ? Kind::negate : Kind::plus);
    cursor_.next();
    cursor_.add(*node, unary(false));
  } else {
    node = primary();
  }
  node = postfix(std::move(node));
  return with_filters ? filters(std::move(node)) : std::move(node);
}

NodePtr ExpressionParser::literal(Value value) {
  NodePtr node = cursor_.node(Kind::literal);
  node->value = std::move(value);
  return node;
}

NodePtr ExpressionParser::number() {
  const Token& token = cursor_.peek();
  const char* end = token.text.data() + token.text.size();
  NodePtr node;
  if (token.kind == Token::Kind::integer) {
    std::int64_t value = 0;
    if (std::from_chars(token.text.data(), end, value).ec != std::errc())
      cursor_.fail("a number is too large");
    node = literal(Value(value));
  } else {
    double value = 0;
    if (std::from_chars(token.text.data(), end, value).ec != std::errc())
      cursor_.fail("a number is too large");
    node = literal(Value(value));
  }
  cursor_.next();
  return node;
}

NodePtr ExpressionParser::primary() {
  const Token& token = cursor_.peek();
  if (token.kind == Token::Kind::integer || token.kind == Token::Kind::real) return number();
  if (token.kind == Token::Kind::text) {
    std::string text;
    while (cursor_.peek().kind == Token::Kind::text) {  // neighbours are one text, as in Python
      text += cursor_.peek().text;
      cursor_.next();
    }
    return literal(make_text(text));
  }
  if (token.kind == Token::Kind::name) {
    const std::string& name = token.text;
    NodePtr node;
    if (name == "true" || name == "True") {
      node = literal(Value(true));
    } else if (name == "false" || name == "False") {
      node = literal(Value(false));
    } else if (name == "none" || name == "None") {
      node = literal(Value(None{}));
    } else {
      node = cursor_.node(Kind::name);
      node->name = name;
      if (name == "caller") uses |= Node::kUsesCaller;
      if (name == "kwargs") uses |= Node::kUsesNamed;
      if (name == "varargs") uses |= Node::kUsesPositional;
    }
    cursor_.next();
    return node;
  }
  if (token.is_op("[")) return list();
  if (token.is_op("{")) return dict();
  if (cursor_.take_op("(")) {
    if (cursor_.take_op(")")) return cursor_.node(Kind::tuple);
    NodePtr node = tuple();
    if (!cursor_.failed() && !cursor_.take_op(")")) cursor_.fail("a ')' is missing");
    return node;
  }
  if (!cursor_.failed())
    cursor_.fail(fmt::format("an expression was expected before \"{}\"", token.text.substr(0, 40)));
  return cursor_.node(Kind::list);
}

NodePtr ExpressionParser::list() {
  NodePtr node = cursor_.node(Kind::list);
  cursor_.next();
  while (!cursor_.failed() && !cursor_.take_op("]")) {
    if (!node->children.empty() && !cursor_.take_op(","))
      cursor_.fail("a ',' is missing in a list");
    if (cursor_.take_op("]")) break;
    cursor_.add(*node, expression());
  }
  return node;
}

NodePtr ExpressionParser::dict() {
  NodePtr node = cursor_.node(Kind::dict);
  cursor_.next();
  while (!cursor_.failed() && !cursor_.take_op("}")) {
    if (!node->children.empty() && !cursor_.take_op(","))
      cursor_.fail("a ',' is missing in a mapping");
    if (cursor_.take_op("}")) break;
    cursor_.add(*node, expression());
    if (!cursor_.failed() && !cursor_.take_op(":")) cursor_.fail("a ':' is missing in a mapping");
    cursor_.add(*node, expression());
    if (node->children.size() > 1000) cursor_.fail("a mapping with more than 500 entries");
  }
  return node;
}

NodePtr ExpressionParser::postfix(NodePtr node) {
  while (!cursor_.failed()) {
    if (cursor_.peek().is_op(".")) {
      cursor_.next();
      if (cursor_.peek().kind == Token::Kind::integer) {
        NodePtr item = cursor_.node(Kind::item);
        cursor_.add(*item, std::move(node));
        cursor_.add(*item, number());
        node = std::move(item);
        continue;
      }
      NodePtr attribute = cursor_.node(Kind::attribute);
      attribute->name = cursor_.take_name("an attribute's name");
      cursor_.add(*attribute, std::move(node));
      node = std::move(attribute);
    } else if (cursor_.peek().is_op("[")) {
      node = subscript(std::move(node));
    } else if (cursor_.peek().is_op("(")) {
      NodePtr call = cursor_.node(Kind::call);
      cursor_.add(*call, std::move(node));
      arguments(*call);
      node = std::move(call);
    } else {
      break;
    }
  }
  return node;
}

NodePtr ExpressionParser::subscript(NodePtr object) {
  NodePtr node = cursor_.node(Kind::item);
  cursor_.next();
  cursor_.add(*node, std::move(object));
  NodePtr parts[3];
  int count = 0;
  bool slice = false;
  while (!cursor_.failed() && !cursor_.take_op("]")) {
    if (cursor_.take_op(":")) {
      slice = true;
      if (++count > 2) cursor_.fail("a slice with more than three parts");
    } else if (!slice && parts[0] && cursor_.peek().is_op(",")) {
      NodePtr key = cursor_.node(Kind::tuple);  // x[1, 2] looks for a tuple
      cursor_.add(*key, std::move(parts[0]));
      while (!cursor_.failed() && cursor_.take_op(",") && !cursor_.peek().is_op("]"))
        cursor_.add(*key, expression());
      parts[0] = std::move(key);
    } else if (parts[std::min(count, 2)]) {
      cursor_.fail("a ']' is missing");
    } else {
      parts[std::min(count, 2)] = expression();
    }
  }
  if (!slice) {
    if (!parts[0]) cursor_.fail("an index is missing");
    cursor_.add(*node, std::move(parts[0]));
    return node;
  }
  node->kind = Kind::slice;
  for (NodePtr& part : parts) cursor_.add(*node, std::move(part));
  return node;
}

std::string ExpressionParser::dotted_name(std::string_view what) {
  std::string name = cursor_.take_name(what);
  while (!cursor_.failed() && cursor_.take_op(".")) {
    name += '.';
    name += cursor_.take_name(what);
  }
  return name;
}

NodePtr ExpressionParser::filter(NodePtr input) {
  NodePtr node = cursor_.node(Kind::filter);
  node->name = dotted_name("a filter's name");
  cursor_.add(*node, std::move(input));
  if (cursor_.peek().is_op("(")) arguments(*node);
  return node;
}

NodePtr ExpressionParser::filter_chain(bool first_without_bar) {
  NodePtr node;
  if (first_without_bar) node = filter(nullptr);
  while (!cursor_.failed() && cursor_.take_op("|")) node = filter(std::move(node));
  return node;
}

NodePtr ExpressionParser::filters(NodePtr node) {
  while (!cursor_.failed()) {
    if (cursor_.take_op("|")) {
      node = filter(std::move(node));
    } else if (cursor_.take_keyword("is")) {
      node = test(std::move(node));
    } else if (cursor_.peek().is_op("(")) {
      NodePtr call = cursor_.node(Kind::call);
      cursor_.add(*call, std::move(node));
      arguments(*call);
      node = std::move(call);
    } else {
      break;
    }
  }
  return node;
}

NodePtr ExpressionParser::test(NodePtr input) {
  const bool negated = cursor_.take_keyword("not");
  NodePtr node = cursor_.node(Kind::test);
  node->name = dotted_name("a test's name");
  cursor_.add(*node, std::move(input));
  const Token& token = cursor_.peek();
  const bool begins_argument = token.kind == Token::Kind::name || token.kind == Token::Kind::text ||
                               token.kind == Token::Kind::integer ||
                               token.kind == Token::Kind::real || token.is_op("[") ||
                               token.is_op("{");
  if (token.is_op("(")) {
    arguments(*node);
  } else if (begins_argument && !token.is_name("else") && !token.is_name("or") &&
             !token.is_name("and")) {
    if (token.is_name("is")) cursor_.fail("tests cannot follow each other");
    cursor_.add(*node, postfix(primary()));
  }
  if (!negated) return node;
  NodePtr inverted = cursor_.node(Kind::logical_not);
  cursor_.add(*inverted, std::move(node));
  return inverted;
}

void ExpressionParser::arguments(Node& call) {
  cursor_.next();
  Kind last = Kind::literal;  // of the argument before, where an order must be kept
  bool first = true;
  while (!cursor_.failed() && !cursor_.take_op(")")) {
    if (!first && !cursor_.take_op(",")) cursor_.fail("a ',' is missing between arguments");
    if (!first && cursor_.take_op(")")) break;
    first = false;
    NodePtr argument;
    if (cursor_.peek().is_op("*") || cursor_.peek().is_op("**")) {
      const Kind kind = cursor_.peek().is_op("*") ? Kind::unpack : Kind::unpack_named;
      if (last == Kind::unpack_named || (last == Kind::unpack && kind == Kind::unpack))
        cursor_.fail("only one *list and then one **mapping can be given");
      argument = cursor_.node(kind);
      cursor_.next();
      last = kind;
    } else if (cursor_.peek().kind == Token::Kind::name && cursor_.peek(1).is_op("=")) {
      if (last == Kind::unpack_named) cursor_.fail("a named argument follows a **mapping");
      argument = cursor_.node(Kind::keyword);
      argument->name = cursor_.take_name("a name");
      for (const NodePtr& other : call.children) {
        if (other && other->kind == Kind::keyword && other->name == argument->name)
          cursor_.fail(fmt::format("the argument \"{}\" is given twice", argument->name));
      }
      cursor_.next();
      if (last == Kind::literal) last = Kind::keyword;
    } else if (last != Kind::literal) {
      cursor_.fail("a positional argument follows a named one");
    }
    if (argument) {
      cursor_.add(*argument, expression());
    } else {
      argument = expression();
    }
    cursor_.add(call, std::move(argument));
    if (call.children.size() > 1000) cursor_.fail("a call with more than 1000 arguments");
  }
}

}  // namespace mneme::jinja
