// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_context.h"

#include <fmt/format.h>

#include <algorithm>

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

Value Context::list(std::vector<Value> items, List::Kind kind) {
  charge_bytes(items.size() * sizeof(Value) + sizeof(List));
  return checked(make_list(std::move(items), kind));
}

Value Context::dict(std::vector<std::pair<Value, Value>> items) {
  charge_bytes(items.size() * 2 * sizeof(Value) + sizeof(Dict));
  charge(items.size() * items.size() / 8);  // keys are compared with each other
  for (const auto& [key, value] : items) {
    if (!hashable(key)) return fail(fmt::format("{} as a mapping's key", kind_name(key)));
    charge(weight_of(key));
  }
  if (failed()) return Value();
  return checked(make_dict(std::move(items)));
}

Value Context::iterator(const Value& source, std::function<std::vector<Value>(Context&)> make) {
  charge_bytes(sizeof(Iterator) + 64);
  auto made = std::make_shared<Iterator>();
  made->make = std::move(make);
  made->depth = depth_of(source) + 1;
  return checked(Value(IteratorPtr(std::move(made))));
}

Bound::Bound(Context& context, std::string_view callee, const Arguments& arguments,
             std::initializer_list<std::string_view> names, std::size_t required)
    : context_(context), callee_(callee), values_(names.size(), nullptr) {
  if (arguments.positional.size() > names.size()) {
    context.fail(fmt::format("\"{}\" takes {} arguments, not {}", callee, names.size(),
                             arguments.positional.size()));
    return;
  }
  for (std::size_t i = 0; i < arguments.positional.size(); ++i)
    values_[i] = &arguments.positional[i];
  for (const auto& [name, value] : arguments.named) {
    const auto* const at = std::find(names.begin(), names.end(), std::string_view(name->bytes));
    const auto index = static_cast<std::size_t>(at - names.begin());
    if (at == names.end() || values_[index] != nullptr) {
      context.fail(fmt::format("\"{}\" has no option \"{}\"{}", callee, name->bytes.substr(0, 60),
                               at == names.end() ? "" : " that is still free"));
      return;
    }
    values_[index] = &value;
  }
  for (std::size_t i = 0; i < required; ++i) {
    if (values_[i] == nullptr) {
      context.fail(fmt::format("\"{}\" takes at least {} argument{}", callee, required,
                               required == 1 ? "" : "s"));
      return;
    }
  }
}

const Text* Bound::text(std::size_t index) const {
  const Value* value = values_[index];
  if (value == nullptr || value->is<None>()) return nullptr;
  if (value->is<TextPtr>()) return value->as<TextPtr>().get();
  context_.fail(fmt::format("\"{}\" takes text, not {}", callee_, kind_name(*value)));
  return nullptr;
}

std::int64_t Bound::whole(std::size_t index, std::int64_t missing) const {
  const Value* value = values_[index];
  if (value == nullptr || value->is<None>()) return missing;
  if (value->is_whole()) return value->whole();
  context_.fail(fmt::format("\"{}\" takes an integer, not {}", callee_, kind_name(*value)));
  return missing;
}

bool Bound::flag(std::size_t index) const {
  return values_[index] != nullptr && truthy(*values_[index]);
}

}  // namespace mneme::jinja
