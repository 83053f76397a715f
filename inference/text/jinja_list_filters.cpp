// SPDX-License-Identifier: Apache-2.0
// Filters of lists and mappings: "messages | length", "x | sort".
#include <fmt/format.h>

#include <algorithm>

#include "inference/text/jinja_filters.h"
#include "inference/text/jinja_joiner.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_print.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

constexpr std::size_t kMaxParts = 100'000;

Value folded(const Value& value, bool case_sensitive) {
  if (case_sensitive || !value.is<TextPtr>()) return value;
  return make_text(change_letters(value.text(), Letters::lower));
}

// What elements are sorted, grouped or told apart by.
Value key_of(Context& context, const Value& element, const Value* attribute, bool case_sensitive) {
  context.charge(weight_of(element));
  const Value value = attribute == nullptr ? element : get_path(context, element, *attribute);
  return context.failed() ? Value() : folded(value, case_sensitive);
}

Value length(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "length", arguments, {});
  if (context.failed()) return Value();
  const auto size = [](std::size_t count) { return Value(static_cast<std::int64_t>(count)); };
  if (input.is<TextPtr>()) return Value(character_count(input.text().bytes));
  if (input.is<ListPtr>()) return size(input.as<ListPtr>()->items.size());
  if (input.is<DictPtr>()) return size(input.as<DictPtr>()->items.size());
  if (input.is<Loop*>()) return size(input.as<Loop*>()->items.size());
  if (input.is<Undefined>()) return Value(std::int64_t{0});
  return context.fail(fmt::format("{} has no length", kind_name(input)));
}

Value default_value(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "default", arguments, {"default_value", "boolean"});
  if (context.failed()) return Value();
  if (!input.is<Undefined>() && !(bound.flag(1) && !truthy(input))) return input;
  return bound[0] == nullptr ? context.text("") : *bound[0];
}

Value join_filter(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "join", arguments, {"d", "attribute"});
  if (context.failed()) return Value();
  const bool by_attribute = bound[1] != nullptr && !bound[1]->is<None>();
  Text between;
  if (bound[0] != nullptr) between = printed(context, *bound[0]);
  Joiner joiner(context, between);
  for (const Value& element : elements(context, input)) {
    const Value part = by_attribute ? get_path(context, element, *bound[1]) : element;
    if (!joiner.add(printed(context, part))) break;
  }
  return joiner.finish();
}

Value list(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "list", arguments, {});
  return context.failed() ? Value() : context.list(elements(context, input));
}

Value first(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "first", arguments, {});
  if (context.failed()) return Value();
  if (input.is<TextPtr>() && !input.text().bytes.empty())
    return contained_at(context, input, Value(std::int64_t{0}));
  if (input.is<IteratorPtr>()) {  // takes one and leaves the others
    Iterator& iterator = *input.as<IteratorPtr>();
    const std::size_t at = iterator.at;
    const std::vector<Value> left = elements(context, input);
    if (left.empty()) return Value();
    iterator.at = at + 1;
    return left.front();
  }
  const std::vector<Value> all = elements(context, input);
  return all.empty() ? Value() : all.front();
}

Value last(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "last", arguments, {});
  if (context.failed()) return Value();
  if (input.is<IteratorPtr>()) return context.fail("a generator has no last element");
  const std::vector<Value> all = elements(context, input);
  return all.empty() ? Value() : all.back();
}

Value reverse(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "reverse", arguments, {});
  if (context.failed()) return Value();
  std::vector<Value> all = elements(context, input);
  std::reverse(all.begin(), all.end());
  if (input.is<IteratorPtr>()) return context.list(std::move(all));
  if (!input.is<TextPtr>())
    return context.iterator(input, [all = std::move(all)](Context&) { return all; });
  Text out;
  for (const Value& character : all) out.append(character.text());
  out.markup = input.text().markup;
  return context.text(std::move(out));
}

Value items(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "items", arguments, {});
  if (context.failed()) return Value();
  return context.iterator(input, [input](Context& c) {
    if (!input.is<DictPtr>() && !input.is<Undefined>())
      c.fail(fmt::format("items of {}", kind_name(input)));
    std::vector<Value> out;
    if (!input.is<DictPtr>()) return out;
    for (const auto& [key, value] : input.as<DictPtr>()->items)
      out.push_back(c.list({key, value}, List::Kind::tuple));
    return out;
  });
}

Value sort(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "sort", arguments, {"reverse", "case_sensitive", "attribute"});
  if (context.failed()) return Value();
  const std::vector<Value> all = elements(context, input);
  // "a,b" sorts by a, then by b.
  std::vector<Value> attributes;
  if (bound[2] != nullptr && bound[2]->is<TextPtr>()) {
    for (Text& part : split(bound[2]->text(), ",", -1))
      attributes.push_back(make_text(std::move(part)));
  } else {
    attributes.push_back(bound[2] == nullptr ? Value(None{}) : *bound[2]);
  }
  std::vector<Value> keys;
  for (const Value& element : all) {
    std::vector<Value> parts;
    for (const Value& attribute : attributes)
      parts.push_back(key_of(context, element, &attribute, bound.flag(1)));
    keys.push_back(context.list(std::move(parts)));
    if (context.failed()) return Value();
  }
  std::vector<Value> out;
  for (const std::size_t i : sorted_order(context, keys, bound.flag(0))) out.push_back(all[i]);
  return context.failed() ? Value() : context.list(std::move(out));
}

Value dict_sort(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "dictsort", arguments, {"case_sensitive", "by", "reverse"});
  if (context.failed()) return Value();
  const Text* by = bound.text(1);
  if (by != nullptr && by->bytes != "key" && by->bytes != "value")
    return context.fail("dictsort sorts by \"key\" or by \"value\"");
  if (!input.is<DictPtr>()) return context.fail(fmt::format("dictsort of {}", kind_name(input)));
  const bool by_value = by != nullptr && by->bytes == "value";
  const auto& all = input.as<DictPtr>()->items;
  std::vector<Value> keys;
  for (const auto& [key, value] : all)
    keys.push_back(key_of(context, by_value ? value : key, nullptr, bound.flag(0)));
  std::vector<Value> out;
  for (const std::size_t i : sorted_order(context, keys, bound.flag(2)))
    out.push_back(context.list({all[i].first, all[i].second}, List::Kind::tuple));
  return context.failed() ? Value() : context.list(std::move(out));
}

Value unique(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "unique", arguments, {"case_sensitive", "attribute"});
  if (context.failed()) return Value();
  const bool case_sensitive = bound.flag(0);
  const Value attribute = bound[1] == nullptr ? Value(None{}) : *bound[1];
  return context.iterator(input, [input, attribute, case_sensitive](Context& c) {
    std::vector<Value> seen;
    std::vector<Value> out;
    for (const Value& element : elements(c, input)) {
      const Value key = key_of(c, element, &attribute, case_sensitive);
      if (!hashable(key)) c.fail(fmt::format("{} cannot be told apart by unique", kind_name(key)));
      c.charge(1 + seen.size() / 4);
      if (c.failed()) break;
      if (std::any_of(seen.begin(), seen.end(), [&](const Value& v) { return equal(v, key); }))
        continue;
      seen.push_back(key);
      out.push_back(element);
    }
    return out;
  });
}

template <bool Largest>
Value extreme(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, Largest ? "max" : "min", arguments, {"case_sensitive", "attribute"});
  if (context.failed()) return Value();
  const std::vector<Value> all = elements(context, input);
  std::size_t best = 0;
  Value best_key;
  for (std::size_t i = 0; i < all.size(); ++i) {
    const Value key = key_of(context, all[i], bound[1], bound.flag(0));
    const int order = i == 0 ? 0 : order_of(context, key, best_key);
    if (context.failed()) return Value();
    if (i != 0 && (Largest ? order <= 0 : order >= 0)) continue;
    best = i;
    best_key = key;
  }
  return all.empty() ? Value() : all[best];
}

Value group_by(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "groupby", arguments, {"attribute", "default", "case_sensitive"}, 1);
  if (context.failed()) return Value();
  const std::vector<Value> all = elements(context, input);
  std::vector<Value> shown;
  std::vector<Value> keys;
  for (const Value& element : all) {
    Value key = get_path(context, element, *bound[0]);
    if (context.failed()) return Value();
    if (key.is<Undefined>() && bound[1] != nullptr && !bound[1]->is<None>()) key = *bound[1];
    keys.push_back(folded(key, bound.flag(2)));
    shown.push_back(std::move(key));
  }
  const std::vector<std::size_t> order = sorted_order(context, keys, false);
  std::vector<Value> groups;
  for (std::size_t i = 0; i < order.size() && !context.failed();) {
    const std::size_t begin = i;
    std::vector<Value> members;
    for (; i < order.size() && equal(keys[order[i]], keys[order[begin]]); ++i)
      members.push_back(all[order[i]]);
    groups.push_back(
        context.list({shown[order[begin]], context.list(std::move(members))}, List::Kind::group));
  }
  return context.failed() ? Value() : context.list(std::move(groups));
}

Value sum(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "sum", arguments, {"attribute", "start"});
  if (context.failed()) return Value();
  Value total = bound[1] == nullptr ? Value(std::int64_t{0}) : *bound[1];
  if (total.is<TextPtr>()) return context.fail("sum adds no texts; join does");
  const bool by_attribute = bound[0] != nullptr && !bound[0]->is<None>();
  for (const Value& element : elements(context, input)) {
    total = apply_binary(context, "+", total,
                         by_attribute ? get_path(context, element, *bound[0]) : element);
    if (context.failed()) return Value();
  }
  return total;
}

Value batch(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "batch", arguments, {"linecount", "fill_with"}, 1);
  if (context.failed()) return Value();
  const std::int64_t width = bound.whole(0, 0);
  const Value fill = bound[1] == nullptr ? Value(None{}) : *bound[1];
  return context.iterator(input, [input, width, fill](Context& c) {
    std::vector<Value> out;
    std::vector<Value> row;
    for (const Value& element : elements(c, input)) {
      if (static_cast<std::int64_t>(row.size()) == width)
        out.push_back(c.list(std::exchange(row, {})));
      row.push_back(element);
      if (c.failed()) return out;
    }
    if (row.empty()) return out;
    if (!fill.is<None>() && width > 0) {
      c.charge_bytes(static_cast<std::uint64_t>(width) * sizeof(Value));
      while (!c.failed() && static_cast<std::int64_t>(row.size()) < width) row.push_back(fill);
    }
    out.push_back(c.list(std::move(row)));
    return out;
  });
}

Value slice(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "slice", arguments, {"slices", "fill_with"}, 1);
  if (context.failed()) return Value();
  const std::int64_t slices = bound.whole(0, 0);
  const Value fill = bound[1] == nullptr ? Value(None{}) : *bound[1];
  return context.iterator(input, [input, slices, fill](Context& c) {
    std::vector<Value> out;
    const std::vector<Value> all = elements(c, input);
    if (slices == 0) c.fail("a division by zero");
    if (slices > static_cast<std::int64_t>(kMaxParts)) c.fail("a list in too many slices");
    c.charge(static_cast<std::uint64_t>(std::max<std::int64_t>(slices, 0)));
    if (c.failed() || slices < 0) return out;
    const auto size = static_cast<std::int64_t>(all.size());
    auto at = all.begin();
    for (std::int64_t i = 0; i < slices && !c.failed(); ++i) {
      const bool extra = i < size % slices;
      const auto end = at + size / slices + (extra ? 1 : 0);
      std::vector<Value> row(at, end);
      at = end;
      if (!fill.is<None>() && !extra) row.push_back(fill);
      out.push_back(c.list(std::move(row)));
    }
    return out;
  });
}

Value attribute(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "attr", arguments, {"name"}, 1);
  const Text* name = context.failed() ? nullptr : bound.text(0);
  if (name == nullptr) return context.fail("attr takes a name");
  if (input.is<DictPtr>() && find_method(input, name->bytes) == nullptr) return Value();
  const Value found = get_attribute(context, input, name->bytes);
  return found.is<Undefined>() ? Value() : found;
}

constexpr std::string_view kRandom = "random";

constexpr FilterEntry kListFilters[] = {
    {"attr", attribute},
    {"batch", batch},
    {"count", length},
    {"d", default_value},
    {"default", default_value},
    {"dictsort", dict_sort},
    {"first", first},
    {"groupby", group_by},
    {"items", items},
    {"join", join_filter},
    {"last", last},
    {"length", length},
    {"list", list},
    {"max", extreme<true>},
    {"min", extreme<false>},
    {"random", missing_filter<kRandom>},
    {"reverse", reverse},
    {"slice", slice},
    {"sort", sort},
    {"sum", sum},
    {"unique", unique},
};

}  // namespace

std::span<const FilterEntry> list_filters() {
  return kListFilters;
}

}  // namespace mneme::jinja
