// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_parser.h"

#include <fmt/format.h>

#include <initializer_list>

#include "inference/text/jinja_expression.h"
#include "inference/text/jinja_lexer.h"

namespace mneme::jinja {
namespace {

using Kind = Node::Kind;

class StatementParser {
 public:
  explicit StatementParser(std::vector<Token> tokens)
      : cursor_(std::move(tokens)), expressions_(cursor_) {}

  Result<NodePtr> parse() {
    NodePtr root = body({});
    if (!cursor_.failed() && !cursor_.at_end()) cursor_.fail("text after the end");
    if (cursor_.failed()) return cursor_.error();
    return root;
  }

 private:
  // Statements up to a tag named in `ends`, which is left to be read ({% and the name not
  // consumed).
  NodePtr body(std::initializer_list<std::string_view> ends) {
    NodePtr node = cursor_.node(Kind::body);
    Nesting nesting(cursor_);
    while (!cursor_.failed() && !cursor_.at_end()) {
      const Token& token = cursor_.peek();
      if (token.kind == Token::Kind::data) {
        NodePtr data = cursor_.node(Kind::data);
        data->name = token.text;
        cursor_.next();
        cursor_.add(*node, std::move(data));
      } else if (token.kind == Token::Kind::print_begin) {
        NodePtr print = cursor_.node(Kind::print);
        cursor_.next();
        cursor_.add(*print, expressions_.tuple());
        cursor_.expect(Token::Kind::print_end, "}}");
        cursor_.add(*node, std::move(print));
      } else if (token.kind == Token::Kind::block_begin) {
        const Token& name = cursor_.peek(1);
        for (const std::string_view end : ends) {
          if (name.is_name(end)) return node;
        }
        cursor_.next();
        if (NodePtr statement = block()) cursor_.add(*node, std::move(statement));
      } else {
        cursor_.fail("something is out of place");
      }
    }
    if (!cursor_.failed() && ends.size() != 0)
      cursor_.fail(fmt::format("{} is missing", *(ends.end() - 1)));
    return node;
  }

  void close_block() { cursor_.expect(Token::Kind::block_end, "%}"); }

  // "{% name %}" where the name is known to be next.
  void end_tag() {
    cursor_.next();
    cursor_.next();
    close_block();
  }

  NodePtr block() {
    const std::string name =
        cursor_.peek().kind == Token::Kind::name ? cursor_.peek().text : std::string();
    if (name == "if") return branch();
    if (name == "for") return loop();
    if (name == "set") return assign();
    if (name == "macro") return macro();
    if (name == "generation") {  // marks the assistant's text for training; nothing to render
      cursor_.next();
      close_block();
      NodePtr inner = body({"endgeneration"});
      if (!cursor_.failed()) end_tag();
      return inner;
    }
    if (name == "break" || name == "continue") {
      if (loops_ == 0) cursor_.fail(fmt::format("{} outside of a loop", name));
      NodePtr node = cursor_.node(name == "break" ? Kind::loop_break : Kind::loop_continue);
      cursor_.next();
      close_block();
      return node;
    }
    cursor_.fail(name.empty() ? std::string("a tag without a name")
                              : fmt::format("the tag \"{}\" is not supported", name));
    return nullptr;
  }

  NodePtr branch() {
    NodePtr node = cursor_.node(Kind::branch);
    cursor_.next();
    cursor_.add(*node, expressions_.tuple());
    close_block();
    cursor_.add(*node, body({"elif", "else", "endif"}));
    while (!cursor_.failed()) {
      cursor_.next();  // {%
      const std::string tag = cursor_.peek().text;
      cursor_.next();
      if (tag == "elif") {
        cursor_.add(*node, expressions_.tuple());
        close_block();
        cursor_.add(*node, body({"elif", "else", "endif"}));
      } else if (tag == "else") {
        close_block();
        cursor_.add(*node, body({"endif"}));
        if (!cursor_.failed()) end_tag();
        break;
      } else {
        close_block();
        break;
      }
    }
    return node;
  }

  std::vector<std::string> targets() {
    std::vector<std::string> names;
    const bool parentheses = cursor_.take_op("(");
    do {
      names.push_back(cursor_.take_name("a variable's name"));
    } while (!cursor_.failed() && cursor_.take_op(",") && cursor_.peek().kind == Token::Kind::name);
    if (parentheses && !cursor_.take_op(")")) cursor_.fail("a ')' is missing");
    return names;
  }

  NodePtr loop() {
    NodePtr node = cursor_.node(Kind::loop);
    cursor_.next();
    node->names = targets();
    if (!cursor_.take_keyword("in")) cursor_.fail("\"in\" is missing in a for");
    cursor_.add(*node, expressions_.tuple_without_condition());
    cursor_.add(*node, cursor_.take_keyword("if") ? expressions_.expression() : nullptr);
    if (cursor_.peek().is_name("recursive")) cursor_.fail("recursive loops are not supported");
    close_block();
    ++loops_;
    cursor_.add(*node, body({"else", "endfor"}));
    --loops_;
    if (cursor_.failed()) return node;
    if (cursor_.peek(1).is_name("else")) {
      end_tag();
      cursor_.add(*node, body({"endfor"}));
    } else {
      cursor_.add(*node, nullptr);
    }
    if (!cursor_.failed()) end_tag();
    return node;
  }

  NodePtr assign() {
    NodePtr node = cursor_.node(Kind::assign);
    cursor_.next();
    node->names = targets();
    if (node->names.size() == 1 && cursor_.take_op("."))
      node->name = cursor_.take_name("an attribute's name");
    if (cursor_.take_op("=")) {
      cursor_.add(*node, expressions_.tuple());
      close_block();
      return node;
    }
    if (!node->name.empty() || node->names.size() != 1) cursor_.fail("a '=' is missing in a set");
    node->kind = Kind::capture;
    if (cursor_.peek().is_op("|")) cursor_.fail("filters on a set block are not supported");
    close_block();
    cursor_.add(*node, body({"endset"}));
    if (!cursor_.failed()) end_tag();
    return node;
  }

  NodePtr macro() {
    NodePtr node = cursor_.node(Kind::macro);
    cursor_.next();
    node->name = cursor_.take_name("a macro's name");
    if (!cursor_.take_op("(")) cursor_.fail("a '(' is missing after a macro's name");
    std::vector<NodePtr> defaults;
    while (!cursor_.failed() && !cursor_.take_op(")")) {
      if (!node->names.empty() && !cursor_.take_op(","))
        cursor_.fail("a ',' is missing in a macro");
      node->names.push_back(cursor_.take_name("a parameter's name"));
      if (cursor_.take_op("=")) {
        defaults.push_back(expressions_.expression());
      } else if (!defaults.empty()) {
        cursor_.fail("a parameter without a default follows one with it");
      }
    }
    close_block();
    const int loops = loops_;
    loops_ = 0;
    cursor_.add(*node, body({"endmacro"}));
    loops_ = loops;
    for (NodePtr& value : defaults) cursor_.add(*node, std::move(value));
    if (!cursor_.failed()) end_tag();
    return node;
  }

  Cursor cursor_;
  ExpressionParser expressions_;
  int loops_ = 0;  // loops around, within the macro
};

}  // namespace

Result<NodePtr> parse(std::string_view source) {
  if (source.size() > kMaxSource) {
    return template_error(
        1, fmt::format("it has {} bytes; {} are allowed", source.size(), kMaxSource));
  }
  auto tokens = tokenize(source);
  if (!tokens) return tokens.error();
  return StatementParser(std::move(*tokens)).parse();
}

}  // namespace mneme::jinja
