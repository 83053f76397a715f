// SPDX-License-Identifier: Apache-2.0
// Values of the chat template language. Lists, dicts and texts are immutable and shared; texts know
// which of their bytes came from which message. One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <variant>
#include <vector>

namespace mneme::jinja {

// Bytes with their origins. Spans are ascending, apart, not empty; bytes in none are the
// template's.
struct Text {
  struct Span {
    std::size_t begin;
    std::size_t end;
    std::int32_t message;
  };
  std::string bytes;
  std::vector<Span> spans;

  Text() = default;
  explicit Text(std::string_view text, std::int32_t message = -1);

  void append(std::string_view text, std::int32_t message = -1);
  void append(const Text& text);
  Text part(std::size_t begin, std::size_t end) const;  // bytes [begin, end)
  std::int32_t first_message() const { return spans.empty() ? -1 : spans.front().message; }
};

struct Value;
struct Node;
struct List;
struct Dict;
using TextPtr = std::shared_ptr<const Text>;
using ListPtr = std::shared_ptr<const List>;
using DictPtr = std::shared_ptr<const Dict>;

struct Namespace;
struct Undefined {
  std::string_view name;  // in the template's source, for messages
};
struct None {};
struct Macro {
  const Node* node;
};
struct Function {
  std::string_view name;  // range, namespace, dict, raise_exception, strftime_now
};

struct Value {
  std::variant<Undefined, None, bool, std::int64_t, double, TextPtr, ListPtr, DictPtr, Namespace*,
               Macro, Function>
      v;

  Value() : v(Undefined{}) {}
  template <class T>
  explicit Value(T value) : v(std::move(value)) {}

  template <class T>
  bool is() const {
    return std::holds_alternative<T>(v);
  }
  template <class T>
  const T& as() const {
    return std::get<T>(v);
  }
  bool is_number() const { return is<std::int64_t>() || is<double>() || is<bool>(); }
  double number() const;  // of a number
  const Text& text() const { return *as<TextPtr>(); }
};

// What namespace() makes; the only thing a template can change. Owned by the interpreter.
struct Namespace {
  std::vector<std::pair<std::string, Value>> items;
};

// `depth` and `weight` bound what walking the whole costs (shared parts counted each time).
struct List {
  std::vector<Value> items;
  int depth = 1;
  std::uint64_t weight = 1;
};
struct Dict {
  std::vector<std::pair<TextPtr, Value>> items;  // insertion order, unique keys
  int depth = 1;
  std::uint64_t weight = 1;

  const Value* find(std::string_view key) const;
};

inline constexpr int kMaxValueDepth = 40;

Value make_text(Text text);
Value make_text(std::string_view text);
Value make_list(std::vector<Value> items);
Value make_dict(
    std::vector<std::pair<TextPtr, Value>> items);  // of equal keys the last value stays

int depth_of(const Value& value);
std::uint64_t weight_of(const Value& value);  // steps that reading it takes
bool truthy(const Value& value);
bool equal(const Value& a, const Value& b);
std::string_view kind_name(const Value& value);  // for messages

}  // namespace mneme::jinja
