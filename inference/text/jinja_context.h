// SPDX-License-Identifier: Apache-2.0
// What a rendering may still spend, and the first thing that went wrong. Templates are untrusted:
// every step and every byte made is charged here. One thread, one rendering.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <utility>
#include <vector>

#include "inference/base/result.h"
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
  Value list(std::vector<Value> items);
  Value dict(std::vector<std::pair<TextPtr, Value>> items);

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
  std::vector<std::pair<std::string_view, Value>> named;

  // The argument at `index` or of that name; null when not given.
  const Value* find(std::size_t index, std::string_view name) const;
  std::size_t count() const { return positional.size() + named.size(); }
};

}  // namespace mneme::jinja
