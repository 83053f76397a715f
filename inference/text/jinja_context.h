// SPDX-License-Identifier: Apache-2.0
// What a rendering may still spend, and the first thing that went wrong. Templates are untrusted:
// every step and every byte made is charged here. One thread, one rendering.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "base/result.h"
#include "inference/text/jinja_value.h"

namespace mneme::jinja {

class Context {
 public:
  Context(std::uint64_t steps, std::uint64_t bytes) : steps_left_(steps), bytes_left_(bytes) {}

  bool failed() const { return error_.has_value(); }
  const Error& error() const { return *error_; }

  // Return something undefined, so that a failing function can be left in one line.
  Value fail(std::string_view what);       // unsupported, with the line
  Value refuse(std::string_view message);  // invalid: the template's own words

  void charge(std::uint64_t steps);
  void charge_bytes(std::uint64_t bytes);

  // Values made in a rendering, charged.
  Value text(Text text);
  Value text(std::string_view text);
  Value list(std::vector<Value> items, List::Kind kind = List::Kind::list);
  Value dict(std::vector<std::pair<Value, Value>> items);  // refuses keys that cannot be keys
  // Makes its items when it is first walked through; `source` is what they are made of.
  Value iterator(const Value& source, std::function<std::vector<Value>(Context&)> make);

  int line = 0;                     // of the node at work
  std::optional<std::int64_t> now;  // Unix time; empty = the template is told nothing

 private:
  Value checked(Value value);

  std::uint64_t steps_left_;
  std::uint64_t bytes_left_;
  std::optional<Error> error_;
};

// Arguments of a call, filter or test, evaluated.
struct Arguments {
  std::vector<Value> positional;
  std::vector<std::pair<TextPtr, Value>> named;
};

// Arguments bound to parameters, as Python binds them. What does not fit fails, naming the callee
// and the argument: no option is ever ignored. A name that begins with "/" cannot be used as one.
class Bound {
 public:
  Bound(Context& context, std::string_view callee, const Arguments& arguments,
        std::initializer_list<std::string_view> names, std::size_t required = 0);

  const Value* operator[](std::size_t index) const { return values_[index]; }  // null: not given
  // Null (or `missing`) when not given or none; fails where it is something else.
  const Text* text(std::size_t index) const;
  std::int64_t whole(std::size_t index, std::int64_t missing) const;
  bool flag(std::size_t index) const;  // truthiness; false when not given

 private:
  Context& context_;
  std::string_view callee_;
  std::vector<const Value*> values_;
};

}  // namespace mneme::jinja
