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
  // Children in order; [x] may be null. Arguments: positional first, the last names.size() of them
  // are keyword arguments.
  enum class Kind : std::uint8_t {
    // expressions
    literal,    // `value`
    name,       // `name`
    attribute,  // object; `name`
    item,       // object, key
    slice,      // object, [begin], [end], [step]
    call,       // callee, arguments...
    filter,     // input, arguments...; `name`
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
    dict,         // key, value, key, value...
    // statements
    body,     // statements
    data,     // `name` is the text
    print,    // expression
    branch,   // condition, body, condition, body..., [else body] (an odd one out)
    loop,     // iterable, [filter], body, [else body]; `names` are the targets
    assign,   // expression; `names` are the targets; with `name`, the attribute of names[0]
    capture,  // body; names[0] is the target
    macro,    // body, defaults of the last parameters...; `name`, `names` are the parameters
    loop_break,
    loop_continue,
  };

  Kind kind = Kind::body;
  int line = 0;
  int height = 1;  // of the tree below, itself included
  std::string name;
  std::vector<std::string> names;
  Value value;
  std::vector<NodePtr> children;
};

}  // namespace mneme::jinja
