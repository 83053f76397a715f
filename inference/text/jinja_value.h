// SPDX-License-Identifier: Apache-2.0
// Values of the chat template language. Lists, dicts and texts are immutable and shared; texts know
// which of their bytes came from which message. One thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <functional>
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
  bool markup = false;  // what the filter safe makes: other text that is added to it is escaped

  Text() = default;
  explicit Text(std::string_view text, std::int32_t message = -1);

  void append(std::string_view text, std::int32_t message = -1);
  void append(const Text& text);
  Text part(std::size_t begin, std::size_t end) const;  // bytes [begin, end)
  Text part(std::string_view within) const;             // a part of `bytes`

  // Calls use(bytes, message) for each run of one origin, in order.
  template <class Use>
  void for_each_run(Use use) const {
    const std::string_view all = bytes;
    std::size_t done = 0;
    for (const Span& span : spans) {
      if (span.begin > done) use(all.substr(done, span.begin - done), -1);
      use(all.substr(span.begin, span.end - span.begin), span.message);
      done = span.end;
    }
    if (done < all.size()) use(all.substr(done), -1);
  }
};

struct Value;
struct Node;
struct List;
struct Dict;
struct Iterator;
struct Method;
struct Namespace;
struct Loop;
struct Cycle;
struct Scope;
using TextPtr = std::shared_ptr<const Text>;
using ListPtr = std::shared_ptr<const List>;
using DictPtr = std::shared_ptr<const Dict>;
using IteratorPtr = std::shared_ptr<Iterator>;
using MethodPtr = std::shared_ptr<const Method>;

struct Undefined {
  std::string_view name;   // in the template's source, for messages
  bool forbidden = false;  // it exists in Jinja, but its sandbox hides it
};
struct None {};
struct Macro {
  const Node* node;
  Scope* scope;  // where it was defined
};
struct Function {
  std::string_view name;
};

struct Value {
  std::variant<Undefined, None, bool, std::int64_t, double, TextPtr, ListPtr, DictPtr, IteratorPtr,
               Namespace*, Loop*, Cycle*, Macro, Function, MethodPtr>
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
  bool is_number() const { return is_whole() || is<double>(); }
  bool is_whole() const { return is<std::int64_t>() || is<bool>(); }
  std::int64_t whole() const;  // of a whole number
  double number() const;       // of a number
  const Text& text() const { return *as<TextPtr>(); }
};

// What namespace() makes; the only thing a template can change. Owned by the interpreter.
struct Namespace {
  std::vector<std::pair<TextPtr, Value>> items;
};

// `loop` in a for. Owned by the interpreter.
struct Loop {
  std::vector<Value> items;
  std::size_t at = 0;
  std::int64_t depth0 = 0;
  const Node* node = nullptr;
  Scope* outer = nullptr;
  std::vector<Value> changed;  // what loop.changed() was last asked about
  bool asked = false;
};

// What cycler() and joiner() make. Owned by the interpreter.
struct Cycle {
  std::vector<Value> items;
  std::size_t at = 0;
  bool joiner = false;
};

struct Method {
  Value object;
  std::string_view name;  // as the table of methods has it
};

// `depth` and `weight` bound what walking the whole costs (shared parts counted each time).
struct List {
  // What Python calls them; all are sequences of items.
  enum class Kind : std::uint8_t { list, tuple, group, range, keys, values, pairs };
  std::vector<Value> items;
  Kind kind = Kind::list;
  std::array<std::int64_t, 3> range{};  // of a range, as it was asked for
  int depth = 1;
  std::uint64_t weight = 1;
};
struct Dict {
  std::vector<std::pair<Value, Value>> items;  // insertion order, unique keys
  int depth = 1;
  std::uint64_t weight = 1;

  const Value* find(std::string_view key) const;
  const Value* find(const Value& key) const;
};

class Context;

// What filters such as select return: it can be walked through once, and its items are only made
// when that begins.
struct Iterator {
  std::function<std::vector<Value>(Context&)> make;  // empty once it has begun
  std::vector<Value> items;
  std::size_t at = 0;
  int depth = 1;
};

inline constexpr int kMaxValueDepth = 40;

Value make_text(Text text);
Value make_text(std::string_view text);
Value make_list(std::vector<Value> items, List::Kind kind = List::Kind::list);
Value make_dict(std::vector<std::pair<Value, Value>> items);  // of equal keys the last value stays

int depth_of(const Value& value);
std::uint64_t weight_of(const Value& value);  // steps that reading it takes
bool truthy(const Value& value);
bool equal(const Value& a, const Value& b);
bool same(const Value& a, const Value& b);       // one and the same, as Python's "is"
bool hashable(const Value& value);               // may be a key
std::string_view kind_name(const Value& value);  // for messages

}  // namespace mneme::jinja
