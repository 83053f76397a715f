// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_value.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace mneme::jinja {
namespace {

constexpr std::uint64_t kWeightMax = std::numeric_limits<std::uint64_t>::max() / 2;

std::uint64_t add_weights(std::uint64_t a, std::uint64_t b) {
  return a > kWeightMax - b ? kWeightMax : a + b;
}

template <class Container>
void measure(Container& container, const Value& value) {
  container.depth = std::max(container.depth, depth_of(value) + 1);
  container.weight = add_weights(container.weight, weight_of(value));
}

bool equal_dicts(const Dict& a, const Dict& b) {
  if (a.items.size() != b.items.size()) return false;
  return std::all_of(a.items.begin(), a.items.end(), [&](const auto& item) {
    const Value* other = b.find(item.first);
    return other != nullptr && equal(item.second, *other);
  });
}

// A named tuple is a tuple; the other kinds only equal their own.
bool comparable(List::Kind a, List::Kind b) {
  const auto plain = [](List::Kind kind) {
    return kind == List::Kind::group ? List::Kind::tuple : kind;
  };
  return plain(a) == plain(b) && a != List::Kind::values;
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
  text.for_each_run([this](std::string_view run, std::int32_t message) { append(run, message); });
}

Text Text::part(std::size_t begin, std::size_t end) const {
  Text out;
  out.bytes = bytes.substr(begin, end - begin);
  out.markup = markup;
  const auto first = std::partition_point(spans.begin(), spans.end(),
                                          [begin](const Span& span) { return span.end <= begin; });
  for (auto it = first; it != spans.end() && it->begin < end; ++it) {
    out.spans.push_back(
        {std::max(it->begin, begin) - begin, std::min(it->end, end) - begin, it->message});
  }
  return out;
}

Text Text::part(std::string_view within) const {
  const auto begin = static_cast<std::size_t>(within.data() - bytes.data());
  return part(begin, begin + within.size());
}

std::int64_t Value::whole() const {
  return is<bool>() ? static_cast<std::int64_t>(as<bool>()) : as<std::int64_t>();
}

double Value::number() const {
  return is<double>() ? as<double>() : static_cast<double>(whole());
}

const Value* Dict::find(std::string_view key) const {
  for (const auto& [name, value] : items) {
    if (name.is<TextPtr>() && name.text().bytes == key) return &value;
  }
  return nullptr;
}

const Value* Dict::find(const Value& key) const {
  if (key.is<TextPtr>()) return find(key.text().bytes);
  for (const auto& [name, value] : items) {
    if (equal(name, key)) return &value;
  }
  return nullptr;
}

Value make_text(Text text) {
  return Value(TextPtr(std::make_shared<const Text>(std::move(text))));
}
Value make_text(std::string_view text) {
  return make_text(Text(text));
}

Value make_list(std::vector<Value> items, List::Kind kind) {
  auto list = std::make_shared<List>();
  list->items = std::move(items);
  list->kind = kind;
  for (const Value& item : list->items) measure(*list, item);
  return Value(ListPtr(std::move(list)));
}

Value make_dict(std::vector<std::pair<Value, Value>> items) {
  auto dict = std::make_shared<Dict>();
  for (auto& item : items) {
    const auto same = std::find_if(dict->items.begin(), dict->items.end(), [&](const auto& other) {
      return equal(other.first, item.first);
    });
    if (same == dict->items.end()) {
      dict->items.push_back(std::move(item));
    } else {
      same->second = std::move(item.second);
    }
  }
  for (const auto& [key, value] : dict->items) {
    measure(*dict, key);
    measure(*dict, value);
  }
  return Value(DictPtr(std::move(dict)));
}

int depth_of(const Value& value) {
  if (value.is<ListPtr>()) return value.as<ListPtr>()->depth;
  if (value.is<DictPtr>()) return value.as<DictPtr>()->depth;
  if (value.is<IteratorPtr>()) return value.as<IteratorPtr>()->depth;
  if (value.is<MethodPtr>()) return depth_of(value.as<MethodPtr>()->object) + 1;
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
  if (a.is_whole() && b.is_whole()) return a.whole() == b.whole();
  if (a.is_number() && b.is_number()) return a.number() == b.number();
  if (a.v.index() != b.v.index()) return false;
  if (a.is<TextPtr>()) return a.text().bytes == b.text().bytes;
  if (a.is<ListPtr>()) {
    const List& left = *a.as<ListPtr>();
    const List& right = *b.as<ListPtr>();
    if (&left == &right) return true;
    return comparable(left.kind, right.kind) &&
           std::equal(left.items.begin(), left.items.end(), right.items.begin(), right.items.end(),
                      equal);
  }
  if (a.is<DictPtr>()) return equal_dicts(*a.as<DictPtr>(), *b.as<DictPtr>());
  if (a.is<MethodPtr>()) {
    return a.as<MethodPtr>()->name == b.as<MethodPtr>()->name &&
           equal(a.as<MethodPtr>()->object, b.as<MethodPtr>()->object);
  }
  if (a.is<Undefined>()) return true;
  return same(a, b);
}

bool same(const Value& a, const Value& b) {
  if (a.v.index() != b.v.index()) return false;
  if (a.is<bool>()) return a.as<bool>() == b.as<bool>();
  if (a.is<std::int64_t>()) return a.as<std::int64_t>() == b.as<std::int64_t>();
  if (a.is<double>()) return a.as<double>() == b.as<double>();
  if (a.is<TextPtr>()) return a.text().bytes == b.text().bytes;
  if (a.is<ListPtr>()) return a.as<ListPtr>() == b.as<ListPtr>();
  if (a.is<DictPtr>()) return a.as<DictPtr>() == b.as<DictPtr>();
  if (a.is<IteratorPtr>()) return a.as<IteratorPtr>() == b.as<IteratorPtr>();
  if (a.is<Namespace*>()) return a.as<Namespace*>() == b.as<Namespace*>();
  if (a.is<Loop*>()) return a.as<Loop*>() == b.as<Loop*>();
  if (a.is<Cycle*>()) return a.as<Cycle*>() == b.as<Cycle*>();
  if (a.is<Macro>())
    return a.as<Macro>().node == b.as<Macro>().node && a.as<Macro>().scope == b.as<Macro>().scope;
  if (a.is<Function>()) return a.as<Function>().name == b.as<Function>().name;
  if (a.is<MethodPtr>()) return a.as<MethodPtr>() == b.as<MethodPtr>();
  return a.is<None>();
}

bool hashable(const Value& value) {
  if (value.is<DictPtr>()) return false;
  if (!value.is<ListPtr>()) return true;
  const List& list = *value.as<ListPtr>();
  if (list.kind == List::Kind::range) return true;
  return (list.kind == List::Kind::tuple || list.kind == List::Kind::group) &&
         std::all_of(list.items.begin(), list.items.end(), hashable);
}

std::string_view kind_name(const Value& value) {
  constexpr std::string_view kNames[] = {"something undefined",
                                         "none",
                                         "a boolean",
                                         "an integer",
                                         "a number",
                                         "text",
                                         "a list",
                                         "a mapping",
                                         "a generator",
                                         "a namespace",
                                         "a loop",
                                         "a cycler",
                                         "a macro",
                                         "a function",
                                         "a method"};
  return kNames[value.v.index()];
}

}  // namespace mneme::jinja
