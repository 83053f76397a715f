// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_value.h"

#include <algorithm>
#include <limits>

#include "inference/base/check.h"

namespace mneme::jinja {
namespace {

constexpr std::uint64_t kWeightMax = std::numeric_limits<std::uint64_t>::max() / 2;

std::uint64_t add_weights(std::uint64_t a, std::uint64_t b) {
  return a > kWeightMax - b ? kWeightMax : a + b;
}

template <class Container, class ValueOf>
void measure(Container& container, ValueOf value_of) {
  for (const auto& item : container.items) {
    container.depth = std::max(container.depth, depth_of(value_of(item)) + 1);
    container.weight = add_weights(container.weight, weight_of(value_of(item)));
  }
}

bool equal_dicts(const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  return std::all_of(a.items.begin(), a.items.end(), [&](const auto& item) {
    const Value* other = b.find(item.first->bytes);
    return other != nullptr && equal(item.second, *other);
  });
}

}  // namespace

Text::Text(std::string_view text, std::int32_t message) {
  append(text, message);
}

void Text::append(std::string_view text, std::int32_t message) {
  const std::size_t begin = bytes.size();
  bytes += text;
  if (message < 0 || text.empty()) return;
  if (!spans.empty() && spans.back().end == begin && spans.back().message == message) {
    spans.back().end = bytes.size();
  } else {
    spans.push_back({begin, bytes.size(), message});
  }
}

void Text::append(const Text& text) {
  std::size_t done = 0;
  for (const Span& span : text.spans) {
    append(std::string_view(text.bytes).substr(done, span.begin - done));
    append(std::string_view(text.bytes).substr(span.begin, span.end - span.begin), span.message);
    done = span.end;
  }
  append(std::string_view(text.bytes).substr(done));
}

Text Text::part(std::size_t begin, std::size_t end) const {
  Text out;
  out.bytes = bytes.substr(begin, end - begin);
  const auto first = std::partition_point(spans.begin(), spans.end(),
                                          [begin](const Span& span) { return span.end <= begin; });
  for (auto it = first; it != spans.end() && it->begin < end; ++it) {
    out.spans.push_back(
        {std::max(it->begin, begin) - begin, std::min(it->end, end) - begin, it->message});
  }
  return out;
}

double Value::number() const {
  if (is<bool>()) return as<bool>() ? 1 : 0;
  if (is<std::int64_t>()) return static_cast<double>(as<std::int64_t>());
  return as<double>();
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name->bytes == key) return &value;
  }
  return nullptr;
}

Value make_text(Text text) {
  return Value(TextPtr(std::make_shared<const Text>(std::move(text))));
}
Value make_text(std::string_view text) {
  return make_text(Text(text));
}

Value make_list(std::vector<Value> items) {
  auto list = std::make_shared<List>();
  list->items = std::move(items);
  measure(*list, [](const Value& value) -> const Value& { return value; });
  return Value(ListPtr(std::move(list)));
}

Value make_dict(std::vector<std::pair<TextPtr, Value>> items) {
  auto dict = std::make_shared<Dict>();
  for (auto& item : items) {
    const auto same = std::find_if(dict->items.begin(), dict->items.end(), [&](const auto& other) {
      return other.first->bytes == item.first->bytes;
    });
    if (same == dict->items.end()) {
      dict->items.push_back(std::move(item));
    } else {
      same->second = std::move(item.second);
    }
  }
  measure(*dict, [](const auto& item) -> const Value& { return item.second; });
  return Value(DictPtr(std::move(dict)));
}

int depth_of(const Value& value) {
  if (value.is<ListPtr>()) return value.as<ListPtr>()->depth;
  if (value.is<DictPtr>()) return value.as<DictPtr>()->depth;
  return 0;
}

std::uint64_t weight_of(const Value& value) {
  if (value.is<ListPtr>()) return value.as<ListPtr>()->weight;
  if (value.is<DictPtr>()) return value.as<DictPtr>()->weight;
  if (value.is<TextPtr>()) return 1 + value.text().bytes.size() / 64 + value.text().spans.size();
  return 1;
}

bool truthy(const Value& value) {
  if (value.is<Undefined>() || value.is<None>()) return false;
  if (value.is_number()) return value.number() != 0;
  if (value.is<TextPtr>()) return !value.text().bytes.empty();
  if (value.is<ListPtr>()) return !value.as<ListPtr>()->items.empty();
  if (value.is<DictPtr>()) return !value.as<DictPtr>()->items.empty();
  return true;
}

bool equal(const Value& a, const Value& b) {
  if (a.is_number() && b.is_number()) {
    if (!a.is<double>() && !b.is<double>() && !a.is<bool>() && !b.is<bool>()) {
      return a.as<std::int64_t>() == b.as<std::int64_t>();
    }
    return a.number() == b.number();
  }
  if (a.v.index() != b.v.index()) return false;
  if (a.is<TextPtr>()) return a.text().bytes == b.text().bytes;
  if (a.is<ListPtr>()) {
    const auto& left = a.as<ListPtr>()->items;
    const auto& right = b.as<ListPtr>()->items;
    return std::equal(left.begin(), left.end(), right.begin(), right.end(), equal);
  }
  if (a.is<DictPtr>()) return equal_dicts(*a.as<DictPtr>(), *b.as<DictPtr>());
  if (a.is<Namespace*>()) return a.as<Namespace*>() == b.as<Namespace*>();
  if (a.is<Macro>()) return a.as<Macro>().node == b.as<Macro>().node;
  if (a.is<Function>()) return a.as<Function>().name == b.as<Function>().name;
  return true;  // undefined and none
}

std::string_view kind_name(const Value& value) {
  constexpr std::string_view kNames[] = {
      "something undefined", "none",        "a boolean", "an integer", "a number", "text", "a list",
      "a mapping",           "a namespace", "a macro",   "a function"};
  return kNames[value.v.index()];
}

}  // namespace mneme::jinja
