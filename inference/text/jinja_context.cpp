// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_context.h"

#include <fmt/format.h>

#include "inference/text/jinja_lexer.h"

namespace mneme::jinja {

Value Context::fail(std::string_view what) {
  if (!error_) error_ = template_error(line, what);
  return Value();
}

Value Context::refuse(std::string_view message) {
  if (!error_) {
    error_ = Error{ErrorCode::invalid,
                   fmt::format("the model's chat template refuses these messages: {}",
                               message.substr(0, 500))};
  }
  return Value();
}

void Context::charge(std::uint64_t steps) {
  if (steps <= steps_left_) {
    steps_left_ -= steps;
    return;
  }
  steps_left_ = 0;
  if (!error_) {
    error_ =
        Error{ErrorCode::out_of_memory,
              fmt::format("the model's chat template, line {}: it takes too many steps", line)};
  }
}

void Context::charge_bytes(std::uint64_t bytes) {
  if (bytes <= bytes_left_) {
    bytes_left_ -= bytes;
    return;
  }
  bytes_left_ = 0;
  if (!error_) {
    error_ = Error{ErrorCode::out_of_memory,
                   fmt::format("the model's chat template, line {}: it makes too much text", line)};
  }
}

Value Context::checked(Value value) {
  if (depth_of(value) > kMaxValueDepth) return fail("lists are nested too deeply");
  return value;
}

Value Context::text(Text text) {
  charge_bytes(text.bytes.size() + text.spans.size() * sizeof(Text::Span) + sizeof(Text));
  return make_text(std::move(text));
}

Value Context::text(std::string_view text) {
  return this->text(Text(text));
}

Value Context::list(std::vector<Value> items) {
  charge_bytes(items.size() * sizeof(Value) + sizeof(List));
  return checked(make_list(std::move(items)));
}

Value Context::dict(std::vector<std::pair<TextPtr, Value>> items) {
  charge_bytes(items.size() * (sizeof(Value) + 64) + sizeof(Dict));
  charge(items.size() * items.size() / 8);  // keys are compared with each other
  if (failed()) return Value();
  return checked(make_dict(std::move(items)));
}

const Value* Arguments::find(std::size_t index, std::string_view name) const {
  if (index < positional.size()) return &positional[index];
  for (const auto& [key, value] : named) {
    if (key == name) return &value;
  }
  return nullptr;
}

}  // namespace mneme::jinja
