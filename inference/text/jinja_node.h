// SPDX-License-Identifier: Apache-2.0
// A parsed chat template: one kind of node for everything, what it holds told by its kind.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "inference/text/jinja_value.h"

namespace mneme::jinja {

struct Node;
using NodePtr = std::unique_ptr<Node>;

struct Node {
  // Children in order; [x] may be null. Arguments are expressions, or the three kinds below.
  enum class Kind : std::uint8_t {
    // expressions
    literal,    // `value`
    name,       // `name`
    attribute,  // object; `name`
    item,       // object, key
    slice,      // object, [begin], [end], [step]
    call,       // callee, arguments...
    filter,     // [input], arguments...; `name`. No input: the text of the block around
    test,       // input, arguments...; `name`
    negate,     // operand
    plus,       // operand
    logical_not,
    logical_and,
    logical_or,
    binary,       // left, right; `name` is the operator
    compare,      // first, others...; `names` are the operators between
    conditional,  // then, condition, [else]
    list,         // items
    tuple,        // items; as a target: targets
    dict,         // key, value, key, value...
    // arguments
    keyword,       // value; `name`
    unpack,        // *sequence
    unpack_named,  // **mapping
    // targets, beside name and tuple
    attribute_target,  // `name` is the namespace's, names[0] the attribute's
    // statements
    body,          // statements
    data,          // `name` is the text
    print,         // expressions
    branch,        // condition, body, condition, body..., [else body] (an odd one out)
    loop,          // target, iterable, [filter], body, [else body]; `flag`: recursive
    assign,        // target, expression
    capture,       // target, body, [filter]
    macro,         // body, defaults of the last parameters...; `name`, `names` are the parameters
    call_block,    // call, macro
    filter_block,  // filter, body
    with,          // body, target, value, target, value...
    block,         // body; `name`; `flag`: sees the variables around it
    scope,         // body
    autoescape,    // condition, body
    load,          // `name` of a tag that loads another template
    loop_break,
    loop_continue,
  };
  // What a macro's body mentions decides what it can be called with.
  static constexpr std::uint8_t kUsesCaller = 1;
  static constexpr std::uint8_t kUsesNamed = 2;
  static constexpr std::uint8_t kUsesPositional = 4;

  Kind kind = Kind::body;
  bool flag = false;
  std::uint8_t uses = 0;
  int line = 0;
  int height = 1;  // of the tree below, itself included
  std::string name;
  std::vector<std::string> names;
  Value value;
  std::vector<NodePtr> children;
};

}  // namespace mneme::jinja
