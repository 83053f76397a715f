// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_parser.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>

#include "inference/text/jinja_builtins.h"
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
  struct Tag {
    std::string_view name;
    NodePtr (StatementParser::*read)();
  };
  static const std::array<Tag, 17> kTags;

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
        if (NodePtr statement = tag()) cursor_.add(*node, std::move(statement));
      } else {
        cursor_.fail("something is out of place");
      }
    }
    if (!cursor_.failed() && ends.size() != 0)
      cursor_.fail(fmt::format("{} is missing", *(ends.end() - 1)));
    return node;
  }

  void close_tag() { cursor_.expect(Token::Kind::block_end, "%}"); }

  // The end of a tag that a body follows, which may be written with a colon.
  void open_body() {
    cursor_.take_op(":");
    close_tag();
  }

  // "{% name %}" where the name is known to be next.
  void end_tag() {
    if (cursor_.failed()) return;
    cursor_.next();
    cursor_.next();
    close_tag();
  }

  // The body of a tag up to its end.
  NodePtr whole_body(std::string_view end) {
    open_body();
    NodePtr inner = body({end});
    end_tag();
    return inner;
  }

  // A macro and what it is like: loops around it are not its own.
  NodePtr own_body(std::string_view end) {
    const int loops = std::exchange(loops_, 0);
    NodePtr inner = whole_body(end);
    loops_ = loops;
    return inner;
  }

  NodePtr tag() {
    const Token& token = cursor_.peek();
    if (token.kind != Token::Kind::name) {
      cursor_.fail("a tag without a name");
      return nullptr;
    }
    for (const Tag& tag : kTags) {
      if (tag.name == token.text) return (this->*tag.read)();
    }
    cursor_.fail(fmt::format("the tag \"{}\" is not supported", token.text.substr(0, 60)));
    return nullptr;
  }

  // A node for the tag whose name is next, which is consumed.
  NodePtr begin(Kind kind) {
    NodePtr node = cursor_.node(kind);
    cursor_.next();
    return node;
  }

  NodePtr branch() {
    NodePtr node = begin(Kind::branch);
    while (true) {
      cursor_.add(*node, expressions_.tuple_without_condition());
      open_body();
      cursor_.add(*node, body({"elif", "else", "endif"}));
      if (cursor_.failed()) return node;
      if (!cursor_.peek(1).is_name("elif")) break;
      cursor_.next();
      cursor_.next();
    }
    if (cursor_.peek(1).is_name("else")) {
      cursor_.next();
      cursor_.next();
      cursor_.add(*node, whole_body("endif"));
    } else {
      end_tag();
    }
    return node;
  }

  static bool assigns(const Node& target, std::string_view name) {
    if (target.kind == Kind::name) return target.name == name;
    return std::any_of(target.children.begin(), target.children.end(),
                       [&](const NodePtr& child) { return assigns(*child, name); });
  }

  NodePtr loop() {
    NodePtr node = begin(Kind::loop);
    cursor_.add(*node, expressions_.target(false));
    if (!cursor_.failed() && assigns(*node->children[0], "loop"))
      cursor_.fail("a for cannot assign to \"loop\"");
    if (!cursor_.take_keyword("in")) cursor_.fail("\"in\" is missing in a for");
    cursor_.add(*node, expressions_.tuple_without_condition());
    cursor_.add(*node, cursor_.take_keyword("if") ? expressions_.expression() : nullptr);
    node->flag = cursor_.take_keyword("recursive");
    open_body();
    ++loops_;
    cursor_.add(*node, body({"else", "endfor"}));
    --loops_;
    if (cursor_.failed()) return node;
    if (cursor_.peek(1).is_name("else")) {
      cursor_.next();
      cursor_.next();
      cursor_.add(*node, whole_body("endfor"));
    } else {
      cursor_.add(*node, nullptr);
      end_tag();
    }
    return node;
  }

  NodePtr loop_control() {
    const bool breaks = cursor_.peek().is_name("break");
    if (loops_ == 0) cursor_.fail(fmt::format("{} outside of a loop", cursor_.peek().text));
    NodePtr node = begin(breaks ? Kind::loop_break : Kind::loop_continue);
    close_tag();
    return node;
  }

  NodePtr assign() {
    NodePtr node = begin(Kind::assign);
    cursor_.add(*node, expressions_.target(true));
    if (cursor_.take_op("=")) {
      cursor_.add(*node, expressions_.tuple());
      close_tag();
      return node;
    }
    node->kind = Kind::capture;
    NodePtr filter = expressions_.filter_chain(false);
    cursor_.add(*node, whole_body("endset"));
    cursor_.add(*node, std::move(filter));
    return node;
  }

  // "(a, b=1)"; defaults are kept for after the body.
  std::vector<NodePtr> parameters(Node& macro) {
    std::vector<NodePtr> defaults;
    while (!cursor_.failed() && !cursor_.take_op(")")) {
      if (!macro.names.empty() && !cursor_.take_op(","))
        cursor_.fail("a ',' is missing in a macro");
      const std::string name = cursor_.take_name("a parameter's name");
      if (std::find(macro.names.begin(), macro.names.end(), name) != macro.names.end() ||
          expressions_.is_name_taken(name)) {
        cursor_.fail(fmt::format("\"{}\" cannot be a parameter here", name));
      }
      macro.names.push_back(name);
      if (cursor_.take_op("=")) {
        defaults.push_back(expressions_.expression());
      } else if (!defaults.empty()) {
        cursor_.fail("a parameter without a default follows one with it");
      }
    }
    return defaults;
  }

  void macro_body(Node& macro, std::vector<NodePtr> defaults, std::string_view end) {
    const std::uint8_t around = std::exchange(expressions_.uses, 0);
    cursor_.add(macro, own_body(end));
    macro.uses = expressions_.uses;
    expressions_.uses |= around;
    for (NodePtr& value : defaults) cursor_.add(macro, std::move(value));
  }

  NodePtr macro() {
    NodePtr node = begin(Kind::macro);
    node->name = cursor_.take_name("a macro's name");
    if (!cursor_.take_op("(")) cursor_.fail("a '(' is missing after a macro's name");
    std::vector<NodePtr> defaults = parameters(*node);
    macro_body(*node, std::move(defaults), "endmacro");
    return node;
  }

  NodePtr call_block() {
    NodePtr node = begin(Kind::call_block);
    NodePtr macro = cursor_.node(Kind::macro);
    macro->name = "caller";
    std::vector<NodePtr> defaults;
    if (cursor_.take_op("(")) defaults = parameters(*macro);
    cursor_.add(*node, expressions_.expression());
    if (!cursor_.failed() && node->children[0]->kind != Kind::call)
      cursor_.fail("a call block must call something");
    macro_body(*macro, std::move(defaults), "endcall");
    cursor_.add(*node, std::move(macro));
    return node;
  }

  NodePtr filter_block() {
    NodePtr node = begin(Kind::filter_block);
    cursor_.add(*node, expressions_.filter_chain(true));
    cursor_.add(*node, whole_body("endfilter"));
    return node;
  }

  NodePtr with() {
    NodePtr node = begin(Kind::with);
    std::vector<NodePtr> pairs;
    while (!cursor_.failed() && cursor_.peek().kind != Token::Kind::block_end) {
      if (!pairs.empty() && !cursor_.take_op(",")) cursor_.fail("a ',' is missing in a with");
      pairs.push_back(expressions_.target(false));
      if (!cursor_.take_op("=")) cursor_.fail("a '=' is missing in a with");
      pairs.push_back(expressions_.expression());
    }
    cursor_.add(*node, whole_body("endwith"));
    for (NodePtr& part : pairs) cursor_.add(*node, std::move(part));
    return node;
  }

  NodePtr block() {
    NodePtr node = begin(Kind::block);
    node->name = cursor_.take_name("a block's name");
    if (std::find(blocks_.begin(), blocks_.end(), node->name) != blocks_.end())
      cursor_.fail(fmt::format("the block \"{}\" stands twice", node->name));
    blocks_.push_back(node->name);
    node->flag = cursor_.take_keyword("scoped");
    if (cursor_.take_keyword("required")) cursor_.fail("a required block in a template of its own");
    const int loops = std::exchange(loops_, 0);
    open_body();
    cursor_.add(*node, body({"endblock"}));
    loops_ = loops;
    if (cursor_.failed()) return node;
    cursor_.next();
    cursor_.next();
    cursor_.take_keyword(node->name);
    close_tag();
    return node;
  }

  // Marks the assistant's text for training; nothing to render, but a scope.
  NodePtr generation() {
    NodePtr node = begin(Kind::scope);
    cursor_.add(*node, own_body("endgeneration"));
    return node;
  }

  NodePtr autoescape() {
    NodePtr node = begin(Kind::autoescape);
    cursor_.add(*node, expressions_.expression());
    cursor_.add(*node, whole_body("endautoescape"));
    return node;
  }

  NodePtr print() {
    NodePtr node = begin(Kind::print);
    while (!cursor_.failed() && cursor_.peek().kind != Token::Kind::block_end) {
      if (!node->children.empty() && !cursor_.take_op(","))
        cursor_.fail("a ',' is missing in a print");
      cursor_.add(*node, expressions_.expression());
    }
    close_tag();
    return node;
  }

  // include, import, from, extends: a chat template stands alone, so what they say in detail does
  // not matter; reached, each of them is refused.
  NodePtr load() {
    NodePtr node = cursor_.node(Kind::load);
    node->name = cursor_.peek().text;
    cursor_.next();
    expressions_.expression();
    while (!cursor_.failed() &&
           (cursor_.peek().kind == Token::Kind::name || cursor_.peek().is_op(",")))
      cursor_.next();
    close_tag();
    return node;
  }

  Cursor cursor_;
  ExpressionParser expressions_;
  std::vector<std::string> blocks_;
  int loops_ = 0;  // loops around, within the macro
};

const std::array<StatementParser::Tag, 17> StatementParser::kTags{{
    {"autoescape", &StatementParser::autoescape},
    {"block", &StatementParser::block},
    {"break", &StatementParser::loop_control},
    {"call", &StatementParser::call_block},
    {"continue", &StatementParser::loop_control},
    {"extends", &StatementParser::load},
    {"filter", &StatementParser::filter_block},
    {"for", &StatementParser::loop},
    {"from", &StatementParser::load},
    {"generation", &StatementParser::generation},
    {"if", &StatementParser::branch},
    {"import", &StatementParser::load},
    {"include", &StatementParser::load},
    {"macro", &StatementParser::macro},
    {"print", &StatementParser::print},
    {"set", &StatementParser::assign},
    {"with", &StatementParser::with},
}};

// Filters and tests that Jinja does not know. It refuses them before it renders, except within an
// if or a conditional, where a template may only use them where they exist.
Status check_names(const Node& node, bool conditional) {
  const bool unknown = (node.kind == Kind::filter && find_filter(node.name) == nullptr) ||
                       (node.kind == Kind::test && find_test(node.name) == nullptr);
  if (unknown && !conditional) {
    return template_error(node.line, fmt::format("the {} \"{}\" is not supported",
                                                 node.kind == Kind::filter ? "filter" : "test",
                                                 node.name.substr(0, 60)));
  }
  for (std::size_t i = 0; i < node.children.size(); ++i) {
    const Node* child = node.children[i].get();
    if (child == nullptr) continue;
    bool inside = conditional;
    switch (node.kind) {
      case Kind::branch:
      case Kind::conditional:
        inside = true;
        break;
      case Kind::loop:
        inside = conditional && i == 1;
        break;
      case Kind::call_block:
        inside = conditional && i == 0;
        break;
      case Kind::capture:
      case Kind::macro:
      case Kind::filter_block:
      case Kind::with:
      case Kind::block:
      case Kind::scope:
      case Kind::autoescape:
        inside = false;
        break;
      default:
        break;
    }
    RETURN_IF_ERROR(check_names(*child, inside));
  }
  return {};
}

}  // namespace

Result<NodePtr> parse(std::string_view source) {
  if (source.size() > kMaxSource) {
    return template_error(
        1, fmt::format("it has {} bytes; {} are allowed", source.size(), kMaxSource));
  }
  auto tokens = tokenize(source);
  if (!tokens) return tokens.error();
  auto root = StatementParser(std::move(*tokens)).parse();
  if (!root) return root.error();
  RETURN_IF_ERROR(check_names(**root, false));
  return root;
}

}  // namespace mneme::jinja
