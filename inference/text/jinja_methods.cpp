// SPDX-License-Identifier: Apache-2.0
// Methods of texts and mappings: "name".strip(), tool.items().
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <limits>

#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_text.h"
#include "inference/text/utf8.h"

namespace mneme::jinja {
namespace {

constexpr std::array<std::string_view, 22> kMethods{
    "strip",    "lstrip",  "rstrip", "split",        "splitlines",   "startswith",
    "endswith", "replace", "upper",  "lower",        "title",        "capitalize",
    "join",     "find",    "count",  "removeprefix", "removesuffix", "items",
    "keys",     "values",  "get",    "isdigit"};

// An argument that must be text; fails where it is given and is not. Null when missing or none.
const Text* text_argument(Context& context, const Arguments& arguments, std::size_t index,
                          std::string_view name) {
  const Value* value = arguments.find(index, name);
  if (value == nullptr || value->is<None>()) return nullptr;
  if (!value->is<TextPtr>()) {
    context.fail(fmt::format("text was expected, not {}", kind_name(*value)));
    return nullptr;
  }
  return value->as<TextPtr>().get();
}

std::int64_t integer_argument(Context& context, const Arguments& arguments, std::size_t index,
                              std::string_view name, std::int64_t missing) {
  const Value* value = arguments.find(index, name);
  if (value == nullptr) return missing;
  if (value->is<std::int64_t>()) return value->as<std::int64_t>();
  context.fail(fmt::format("an integer was expected, not {}", kind_name(*value)));
  return missing;
}

std::string_view bytes_or(const Text* text, std::string_view missing) {
  return text == nullptr ? missing : std::string_view(text->bytes);
}

Value list_of(Context& context, std::vector<Text> parts) {
  std::vector<Value> values;
  values.reserve(parts.size());
  for (Text& part : parts) values.push_back(context.text(std::move(part)));
  return context.list(std::move(values));
}

// startswith and endswith take a text or a tuple of them.
Value begins_or_ends(Context& context, std::string_view text, const Arguments& arguments,
                     bool begins) {
  if (arguments.positional.size() != 1)
    return context.fail("startswith and endswith take one argument here");
  const Value& wanted = arguments.positional[0];
  const auto matches = [&](const Value& value) {
    if (!value.is<TextPtr>()) return false;
    const std::string_view part = value.text().bytes;
    return part.size() <= text.size() &&
           (begins ? text.substr(0, part.size()) : text.substr(text.size() - part.size())) == part;
  };
  if (wanted.is<TextPtr>()) return Value(matches(wanted));
  if (!wanted.is<ListPtr>())
    return context.fail(fmt::format("text was expected, not {}", kind_name(wanted)));
  const auto& options = wanted.as<ListPtr>()->items;
  return Value(std::any_of(options.begin(), options.end(), matches));
}

Value replace_method(Context& context, const Text& text, const Arguments& arguments) {
  const Text* from = text_argument(context, arguments, 0, "old");
  const Text* to = text_argument(context, arguments, 1, "new");
  if (from == nullptr || to == nullptr) return context.fail("replace takes two texts");
  const std::int64_t times = integer_argument(context, arguments, 2, "count", -1);
  // Count before making, so that a hostile template cannot make more than it may.
  std::uint64_t found = 0;
  if (from->bytes.empty()) {
    found = text.bytes.size() + 1;
  } else {
    for (std::size_t at = text.bytes.find(from->bytes); at != std::string::npos;
         at = text.bytes.find(from->bytes, at + from->bytes.size())) {
      ++found;
    }
  }
  context.charge_bytes(found * (to->bytes.size() + (1 + to->spans.size()) * sizeof(Text::Span)));
  if (context.failed()) return Value();
  return context.text(replace(text, from->bytes, *to, times));
}

Value count_method(Context& context, std::string_view text, const Arguments& arguments) {
  const Text* part = text_argument(context, arguments, 0, "sub");
  if (part == nullptr) return context.fail("count takes a text");
  if (part->bytes.empty()) return Value(character_count(text) + 1);
  std::int64_t count = 0;
  for (std::size_t at = text.find(part->bytes); at != std::string_view::npos;
       at = text.find(part->bytes, at + part->bytes.size())) {
    ++count;
  }
  return Value(count);
}

Value find_method(Context& context, std::string_view text, const Arguments& arguments) {
  const Text* part = text_argument(context, arguments, 0, "sub");
  if (part == nullptr) return context.fail("find takes a text");
  const std::size_t at = text.find(part->bytes);
  return Value(at == std::string_view::npos ? std::int64_t{-1}
                                            : character_count(text.substr(0, at)));
}

Value text_method(Context& context, std::string_view name, const Text& text,
                  const Arguments& arguments) {
  if (name == "strip" || name == "lstrip" || name == "rstrip") {
    const Side side = name == "strip" ? Side::both : name == "lstrip" ? Side::left : Side::right;
    const std::string_view characters = bytes_or(text_argument(context, arguments, 0, "chars"), "");
    context.charge(text.bytes.size() / 64 * (characters.size() + 1));
    return context.text(strip(text, side, characters));
  }
  if (name == "split") {
    const std::string_view separator = bytes_or(text_argument(context, arguments, 0, "sep"), "");
    const std::int64_t splits = integer_argument(context, arguments, 1, "maxsplit", -1);
    context.charge_bytes(text.bytes.size() * (sizeof(Text) + 16) / (separator.size() + 1));
    if (context.failed()) return Value();
    return list_of(context, split(text, separator, splits));
  }
  if (name == "splitlines") {
    context.charge_bytes(text.bytes.size() * sizeof(Text));
    return context.failed() ? Value() : list_of(context, split_lines(text));
  }
  if (name == "startswith") return begins_or_ends(context, text.bytes, arguments, true);
  if (name == "endswith") return begins_or_ends(context, text.bytes, arguments, false);
  if (name == "replace") return replace_method(context, text, arguments);
  if (name == "upper") return context.text(change_letters(text, Letters::upper));
  if (name == "lower") return context.text(change_letters(text, Letters::lower));
  if (name == "title") return context.text(change_letters(text, Letters::title));
  if (name == "capitalize") return context.text(change_letters(text, Letters::capitalize));
  if (name == "find") return find_method(context, text.bytes, arguments);
  if (name == "count") return count_method(context, text.bytes, arguments);
  if (name == "join") {
    if (arguments.positional.size() != 1) return context.fail("join takes one list");
    Arguments separator;
    separator.positional.push_back(context.text(text));
    return apply_filter(context, "join", arguments.positional[0], separator);
  }
  if (name == "removeprefix" || name == "removesuffix") {
    const std::string_view part = bytes_or(text_argument(context, arguments, 0, ""), "");
    const std::string_view bytes = text.bytes;
    if (part.size() > bytes.size()) return context.text(text);
    const std::size_t rest = bytes.size() - part.size();
    if (name == "removeprefix" && bytes.substr(0, part.size()) == part) {
      return context.text(text.part(part.size(), bytes.size()));
    }
    if (name == "removesuffix" && bytes.substr(rest) == part)
      return context.text(text.part(0, rest));
    return context.text(text);
  }
  if (name == "isdigit") {
    const auto is_digit = [](char c) { return c >= '0' && c <= '9'; };
    return Value(!text.bytes.empty() &&
                 std::all_of(text.bytes.begin(), text.bytes.end(), is_digit));
  }
  return context.fail(fmt::format("text has no method \"{}\"", name));
}

Value dict_method(Context& context, std::string_view name, const Dict& dict,
                  const Arguments& arguments) {
  if (name == "get") {
    const Text* key = text_argument(context, arguments, 0, "key");
    const Value* value = key == nullptr ? nullptr : dict.find(key->bytes);
    if (value != nullptr) return *value;
    const Value* missing = arguments.find(1, "default");
    return missing == nullptr ? Value(None{}) : *missing;
  }
  std::vector<Value> out;
  for (const auto& [key, value] : dict.items) {
    if (name == "keys") {
      out.push_back(Value(key));
    } else if (name == "values") {
      out.push_back(value);
    } else if (name == "items") {
      out.push_back(context.list({Value(key), value}));
    } else {
      return context.fail(fmt::format("a mapping has no method \"{}\"", name));
    }
  }
  return context.list(std::move(out));
}

}  // namespace

bool is_known_method(std::string_view name) {
  return std::find(kMethods.begin(), kMethods.end(), name) != kMethods.end();
}

Value call_method(Context& context, std::string_view name, const Value& object,
                  const Arguments& arguments) {
  context.charge(weight_of(object));
  for (const Value& argument : arguments.positional) {
    context.charge(weight_of(argument));
    if (object.is<TextPtr>() && argument.is<TextPtr>())
      charge_search(context, object.text(), argument.text());
  }
  if (context.failed()) return Value();
  if (object.is<TextPtr>()) return text_method(context, name, object.text(), arguments);
  if (object.is<DictPtr>()) return dict_method(context, name, *object.as<DictPtr>(), arguments);
  return context.fail(fmt::format("{} has no method \"{}\"", kind_name(object), name));
}

}  // namespace mneme::jinja
