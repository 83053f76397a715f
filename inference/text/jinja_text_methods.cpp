// SPDX-License-Identifier: Apache-2.0
// Methods of texts that search them, cut them and make new ones: "a b".split().
#include <fmt/format.h>

#include <algorithm>
#include <optional>

#include "inference/text/jinja_format.h"
#include "inference/text/jinja_joiner.h"
#include "inference/text/jinja_methods.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

constexpr std::int64_t kMaxPadding = 1'000'000;

std::optional<std::string_view> bytes_of(const Text* text) {
  if (text == nullptr) return std::nullopt;
  return text->bytes;
}

// What a safe text takes in is escaped, unless it is safe itself.
Text taken_in(const Text& object, const Text& argument) {
  return object.markup ? escape_html(argument) : argument;
}

Value list_of(Context& context, std::vector<Text> parts) {
  std::vector<Value> values;
  values.reserve(parts.size());
  for (Text& part : parts) values.push_back(context.text(std::move(part)));
  return context.list(std::move(values));
}

template <Side Where>
Value strip_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "strip", arguments, {"/chars"});
  if (context.failed()) return Value();
  const auto characters = bytes_of(bound.text(0));
  const Text& text = object.text();
  context.charge(text.bytes.size() / 64 * (characters ? characters->size() + 1 : 1));
  return context.failed() ? Value() : context.text(strip(text, Where, characters));
}

template <bool FromRight>
Value split_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "split", arguments, {"sep", "maxsplit"});
  if (context.failed()) return Value();
  const auto separator = bytes_of(bound.text(0));
  const std::int64_t splits = bound.whole(1, -1);
  if (separator && separator->empty()) return context.fail("split at an empty separator");
  const Text& text = object.text();
  context.charge_bytes(text.bytes.size() * (sizeof(Text) + 16) /
                       (separator ? separator->size() + 1 : 1));
  return context.failed() ? Value() : list_of(context, split(text, separator, splits, FromRight));
}

Value split_lines_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "splitlines", arguments, {"keepends"});
  if (context.failed()) return Value();
  context.charge(object.text().bytes.size() / 8);
  context.charge_bytes(object.text().bytes.size() * sizeof(Text));
  return context.failed() ? Value() : list_of(context, split_lines(object.text(), bound.flag(0)));
}

template <bool Last>
Value partition(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "partition", arguments, {"/sep"}, 1);
  const Text* separator = context.failed() ? nullptr : bound.text(0);
  if (separator == nullptr || separator->bytes.empty())
    return context.fail("partition takes a separator");
  const Text& text = object.text();
  const std::size_t at =
      Last ? text.bytes.rfind(separator->bytes) : text.bytes.find(separator->bytes);
  Text parts[3];
  if (at == std::string::npos) {
    parts[Last ? 2 : 0] = text;
  } else {
    const std::size_t end = at + separator->bytes.size();
    parts[0] = text.part(0, at);
    parts[1] = text.part(at, end);  // what was found, with its origin
    parts[2] = text.part(end, text.bytes.size());
  }
  std::vector<Value> out;
  for (Text& part : parts) out.push_back(context.text(std::move(part)));
  return context.list(std::move(out), List::Kind::tuple);
}

// The part of a text between two characters' indices, as Python's optional start and end give it.
struct Window {
  std::string_view bytes;
  std::int64_t first = 0;  // index of its first character
  bool outside = false;    // it begins behind the end: not even an empty text is found there
};

Window window_of(const Text& text, const Bound& bound) {
  const std::string_view all = text.bytes;
  if (bound[1] == nullptr && bound[2] == nullptr) return {all, 0, false};
  const std::int64_t size = character_count(all);
  const auto at = [&](std::int64_t index) {
    return std::max<std::int64_t>(index < 0 ? index + size : index, 0);
  };
  const std::int64_t first = at(bound.whole(1, 0));
  const std::int64_t end = std::min(at(bound.whole(2, size)), size);
  if (first > end) return {{}, first, true};
  const std::string_view from = all.substr(character_offset(all, first));
  return {from.substr(0, character_offset(from, end - first)), first, false};
}

template <bool Begins>
Value begins_or_ends(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, Begins ? "startswith" : "endswith", arguments,
                    {"/prefix", "/start", "/end"}, 1);
  if (context.failed()) return Value();
  const Window window = window_of(object.text(), bound);
  const auto matches = [&](const Value& value) {
    if (!value.is<TextPtr>()) {
      context.fail(fmt::format("text was expected, not {}", kind_name(value)));
      return false;
    }
    const std::string_view part = value.text().bytes;
    return !window.outside &&
           (Begins ? window.bytes.starts_with(part) : window.bytes.ends_with(part));
  };
  const Value& wanted = *bound[0];
  const bool tuple = wanted.is<ListPtr>() && wanted.as<ListPtr>()->kind == List::Kind::tuple;
  if (!tuple) return Value(matches(wanted));
  const auto& options = wanted.as<ListPtr>()->items;
  return Value(std::any_of(options.begin(), options.end(), matches));
}

// find and its kin; index fails where find says -1.
template <bool Last, bool MustBeThere>
Value find_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "find", arguments, {"/sub", "/start", "/end"}, 1);
  const Text* part = context.failed() ? nullptr : bound.text(0);
  if (part == nullptr) return context.fail("find takes a text");
  const Window window = window_of(object.text(), bound);
  const std::size_t at = window.outside ? std::string_view::npos
                         : Last         ? window.bytes.rfind(part->bytes)
                                        : window.bytes.find(part->bytes);
  if (at != std::string_view::npos)
    return Value(window.first + character_count(window.bytes.substr(0, at)));
  if (MustBeThere) return context.fail("index of what is not in the text");
  return Value(std::int64_t{-1});
}

Value count_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "count", arguments, {"/sub", "/start", "/end"}, 1);
  const Text* part = context.failed() ? nullptr : bound.text(0);
  if (part == nullptr) return context.fail("count takes a text");
  const Window window = window_of(object.text(), bound);
  if (window.outside) return Value(std::int64_t{0});
  if (part->bytes.empty()) return Value(character_count(window.bytes) + 1);
  std::int64_t count = 0;
  for (std::size_t at = window.bytes.find(part->bytes); at != std::string_view::npos;
       at = window.bytes.find(part->bytes, at + part->bytes.size())) {
    ++count;
  }
  return Value(count);
}

Value replace_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "replace", arguments, {"/old", "/new", "/count"}, 2);
  if (context.failed()) return Value();
  const Text* old_text = bound.text(0);
  const Text* new_text = bound.text(1);
  const std::int64_t times = bound.whole(2, -1);
  if (old_text == nullptr || new_text == nullptr) return context.fail("replace takes two texts");
  const Text& text = object.text();
  const Text from = taken_in(text, *old_text);
  const Text to = taken_in(text, *new_text);
  // Count before making, so that a hostile template cannot make more than it may.
  std::uint64_t found = 0;
  if (from.bytes.empty()) {
    found = text.bytes.size() + 1;
  } else {
    for (std::size_t at = text.bytes.find(from.bytes); at != std::string::npos;
         at = text.bytes.find(from.bytes, at + from.bytes.size())) {
      ++found;
    }
  }
  if (times >= 0) found = std::min(found, static_cast<std::uint64_t>(times));
  context.charge_bytes(found * (to.bytes.size() + (1 + to.spans.size()) * sizeof(Text::Span)));
  context.charge(found);
  return context.failed() ? Value() : context.text(replace(text, from.bytes, to, times));
}

template <Letters How>
Value letters_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "upper, lower, title, capitalize or swapcase", arguments, {});
  context.charge(object.text().bytes.size() / 8);
  return context.failed() ? Value() : context.text(change_letters(object.text(), How));
}

Value join_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "join", arguments, {"/iterable"}, 1);
  if (context.failed()) return Value();
  const Text& between = object.text();
  Joiner joiner(context, between);
  for (const Value& element : elements(context, *bound[0])) {
    if (!element.is<TextPtr>()) return context.fail(fmt::format("join of {}", kind_name(element)));
    if (!joiner.add(taken_in(between, element.text()))) break;
  }
  return joiner.finish(between.markup);
}

template <bool Prefix>
Value remove_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, Prefix ? "removeprefix" : "removesuffix", arguments, {"/affix"}, 1);
  const Text* part = context.failed() ? nullptr : bound.text(0);
  if (part == nullptr) return context.fail("removeprefix and removesuffix take a text");
  const Text& text = object.text();
  const std::string_view bytes = text.bytes;
  if (Prefix && bytes.starts_with(part->bytes))
    return context.text(text.part(bytes.substr(part->bytes.size())));
  if (!Prefix && bytes.ends_with(part->bytes))
    return context.text(text.part(bytes.substr(0, bytes.size() - part->bytes.size())));
  return object;
}

template <Side TextSide>
Value pad_method(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "center, ljust or rjust", arguments, {"/width", "/fillchar"}, 1);
  if (context.failed()) return Value();
  const std::int64_t width = bound.whole(0, 0);
  const Text* given = bound.text(1);
  const Text fill = given == nullptr ? Text(" ") : *given;
  if (character_count(fill.bytes) != 1)
    return context.fail("one character was expected to fill with");
  if (width > kMaxPadding) return context.fail(fmt::format("a width beyond {}", kMaxPadding));
  context.charge_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(width, 0)) *
                       (fill.bytes.size() + fill.spans.size() * sizeof(Text::Span)));
  context.charge(static_cast<std::uint64_t>(std::max<std::int64_t>(width, 0)) / 8);
  return context.failed() ? Value() : context.text(pad(object.text(), width, fill, TextSide));
}

Value zfill(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "zfill", arguments, {"/width"}, 1);
  if (context.failed()) return Value();
  const std::int64_t width = bound.whole(0, 0);
  if (width > kMaxPadding) return context.fail(fmt::format("a width beyond {}", kMaxPadding));
  context.charge_bytes(static_cast<std::uint64_t>(std::max<std::int64_t>(width, 0)));
  if (context.failed()) return Value();
  const Text& text = object.text();
  const bool sign = text.bytes.starts_with('-') || text.bytes.starts_with('+');
  Text out = text.part(0, sign ? 1 : 0);
  out.append(pad(text.part(sign ? 1 : 0, text.bytes.size()), width - (sign ? 1 : 0), Text("0"),
                 Side::right));
  return context.text(std::move(out));
}

Value expand_tabs(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "expandtabs", arguments, {"tabsize"});
  if (context.failed()) return Value();
  const std::int64_t size = bound.whole(0, 8);
  if (size > 1000) return context.fail("a tab wider than 1000");
  const Text& text = object.text();
  context.charge(text.bytes.size());
  context.charge_bytes(text.bytes.size() *
                       static_cast<std::uint64_t>(std::max<std::int64_t>(size, 1)));
  if (context.failed()) return Value();
  Text out;
  out.markup = text.markup;
  std::int64_t column = 0;
  for (std::string_view rest = text.bytes; !rest.empty();) {
    const std::string_view character = first_character(rest);
    if (character == "\t") {
      const std::int64_t width = size <= 0 ? 0 : size - column % size;
      out.append(std::string(static_cast<std::size_t>(width), ' '));
      column += width;
    } else {
      out.append(text.part(character));
      column = character == "\n" || character == "\r" ? 0 : column + 1;
    }
    rest.remove_prefix(character.size());
  }
  return context.text(std::move(out));
}

Value format_method(Context& context, const Value& object, const Arguments& arguments) {
  return format_braces(context, object.text(), arguments);
}

Value format_map(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "format_map", arguments, {"/mapping"}, 1);
  if (context.failed()) return Value();
  if (!bound[0]->is<DictPtr>()) return context.fail("format_map takes a mapping");
  Arguments named;
  for (const auto& [key, value] : bound[0]->as<DictPtr>()->items) {
    if (key.is<TextPtr>()) named.named.emplace_back(key.as<TextPtr>(), value);
  }
  return format_braces(context, object.text(), named);
}

template <const std::string_view& Name>
Value missing(Context& context, const Value&, const Arguments&) {
  return context.fail(fmt::format("the method \"{}\" is not supported", Name));
}
constexpr std::string_view kCasefold = "casefold";
constexpr std::string_view kEncode = "encode";
constexpr std::string_view kMaketrans = "maketrans";
constexpr std::string_view kTranslate = "translate";

constexpr MethodEntry kTextMethods[] = {
    {"capitalize", letters_method<Letters::capitalize>},
    {"casefold", missing<kCasefold>},
    {"center", pad_method<Side::both>},
    {"count", count_method},
    {"encode", missing<kEncode>},
    {"endswith", begins_or_ends<false>},
    {"expandtabs", expand_tabs},
    {"find", find_method<false, false>},
    {"format", format_method},
    {"format_map", format_map},
    {"index", find_method<false, true>},
    {"join", join_method},
    {"ljust", pad_method<Side::left>},
    {"lower", letters_method<Letters::lower>},
    {"lstrip", strip_method<Side::left>},
    {"maketrans", missing<kMaketrans>},
    {"partition", partition<false>},
    {"removeprefix", remove_method<true>},
    {"removesuffix", remove_method<false>},
    {"replace", replace_method},
    {"rfind", find_method<true, false>},
    {"rindex", find_method<true, true>},
    {"rjust", pad_method<Side::right>},
    {"rpartition", partition<true>},
    {"rsplit", split_method<true>},
    {"rstrip", strip_method<Side::right>},
    {"split", split_method<false>},
    {"splitlines", split_lines_method},
    {"startswith", begins_or_ends<true>},
    {"strip", strip_method<Side::both>},
    {"swapcase", letters_method<Letters::swap>},
    {"title", letters_method<Letters::title>},
    {"translate", missing<kTranslate>},
    {"upper", letters_method<Letters::upper>},
    {"zfill", zfill},
};

}  // namespace

std::span<const MethodEntry> text_methods() {
  return kTextMethods;
}

}  // namespace mneme::jinja
