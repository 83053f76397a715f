// SPDX-License-Identifier: Apache-2.0
// Filters of texts: "text | trim".
#include <fmt/format.h>

#include <algorithm>

#include "base/utf8.h"
#include "inference/text/characters.h"
#include "inference/text/jinja_filters.h"
#include "inference/text/jinja_format.h"
#include "inference/text/jinja_joiner.h"
#include "inference/text/jinja_operators.h"
#include "inference/text/jinja_print.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

constexpr std::int64_t kMaxIndent = 1000;

std::uint64_t cost_of(const Text& text) {
  return text.bytes.size() + text.spans.size() * sizeof(Text::Span);
}

// Filters that are the method of the same name.
template <const std::string_view& Method>
Value as_method(Context& context, const Value& input, const Arguments& arguments) {
  const Value text = context.text(printed(context, input));
  return context.failed() ? Value()
                          : call_method(context, *find_method(text, Method), text, arguments);
}
constexpr std::string_view kUpper = "upper";
constexpr std::string_view kLower = "lower";
constexpr std::string_view kCapitalize = "capitalize";

Value trim(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "trim", arguments, {"chars"});
  const Text text = printed(context, input);
  const Text* characters = context.failed() ? nullptr : bound.text(0);
  if (context.failed()) return Value();
  context.charge(text.bytes.size() / 64 *
                 (characters == nullptr ? 1 : characters->bytes.size() + 1));
  if (context.failed()) return Value();
  return context.text(characters == nullptr ? strip(text, Side::both, std::nullopt)
                                            : strip(text, Side::both, characters->bytes));
}

// A new word begins after - ( { [ < and white space, which is less than what str.title does.
Value title(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "title", arguments, {});
  const Text text = printed(context, input);
  context.charge(text.bytes.size());
  if (context.failed()) return Value();
  Text out;
  bool word_start = true;
  for (std::string_view rest = text.bytes; !rest.empty();) {
    const std::string_view character = first_character(rest);
    out.append(change_letters(text.part(character), word_start ? Letters::upper : Letters::lower));
    word_start = std::string_view("-({[<").find(character.front()) != std::string_view::npos ||
                 strip(text.part(character), Side::both, std::nullopt).bytes.empty();
    rest.remove_prefix(character.size());
  }
  return context.text(std::move(out));
}

Value replace_filter(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "replace", arguments, {"old", "new", "count"}, 2);
  if (context.failed()) return Value();
  Text plain = printed(context, input);
  plain.markup = false;
  Arguments texts;
  texts.positional = {context.text(printed(context, *bound[0])),
                      context.text(printed(context, *bound[1])), Value(bound.whole(2, -1))};
  const Value text = context.text(std::move(plain));
  return context.failed() ? Value()
                          : call_method(context, *find_method(text, "replace"), text, texts);
}

Value string(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "string", arguments, {});
  return context.failed() ? Value() : context.text(printed(context, input));
}

Value safe(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "safe", arguments, {});
  Text text = printed(context, input);
  text.markup = true;
  return context.failed() ? Value() : context.text(std::move(text));
}

template <bool Force>
Value escape(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "escape", arguments, {});
  Text text = printed(context, input);
  if (Force) text.markup = false;
  context.charge_bytes(5 * cost_of(text));
  return context.failed() ? Value() : context.text(escape_html(text));
}

Value format(Context& context, const Value& input, const Arguments& arguments) {
  if (!arguments.positional.empty() && !arguments.named.empty())
    return context.fail("format takes either positional or named values");
  const Text text = printed(context, input);
  if (arguments.named.empty())
    return format_percent(context, text, context.list(arguments.positional, List::Kind::tuple));
  std::vector<std::pair<Value, Value>> items;
  for (const auto& [name, value] : arguments.named) items.emplace_back(Value(name), value);
  const Value named = context.dict(std::move(items));
  return context.failed() ? Value() : format_percent(context, text, named);
}

Value center(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "center", arguments, {"width"});
  if (context.failed()) return Value();
  const Value text = context.text(printed(context, input));
  Arguments width;
  width.positional = {Value(bound.whole(0, 80))};
  return context.failed() ? Value()
                          : call_method(context, *find_method(text, "center"), text, width);
}

Value indent(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "indent", arguments, {"width", "first", "blank"});
  if (context.failed()) return Value();
  if (!input.is<TextPtr>()) return context.fail(fmt::format("indent of {}", kind_name(input)));
  Text prefix;
  if (bound[0] != nullptr && bound[0]->is<TextPtr>()) {
    prefix = bound[0]->text();
  } else {
    const std::int64_t width = bound.whole(0, 4);
    if (width > kMaxIndent) return context.fail(fmt::format("an indent beyond {}", kMaxIndent));
    prefix = Text(std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' '));
  }
  const bool blank = bound.flag(2);
  Text whole = input.text();
  whole.append("\n");
  const std::vector<Text> lines = split_lines(whole);
  context.charge_bytes(cost_of(whole) + lines.size() * (sizeof(Text) + cost_of(prefix)));
  if (context.failed()) return Value();
  Text out;
  if (bound.flag(1)) out.append(prefix);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i != 0) out.append("\n");
    if (i != 0 && (blank || !lines[i].bytes.empty())) out.append(prefix);
    out.append(lines[i]);
  }
  out.markup = whole.markup;
  return context.text(std::move(out));
}

Value truncate(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "truncate", arguments, {"length", "killwords", "end", "leeway"});
  if (context.failed()) return Value();
  if (input.is<Undefined>()) return input;  // shorter than any length
  if (!input.is<TextPtr>()) return context.fail(fmt::format("truncate of {}", kind_name(input)));
  const std::int64_t length = bound.whole(0, 255);
  const Text dots("...");
  const Text* given = bound.text(2);
  const Text& end = given == nullptr ? dots : *given;
  const std::int64_t leeway = bound.whole(3, 5);
  const std::int64_t kept = length - character_count(end.bytes);
  if (kept < 0 || leeway < 0) return context.fail("truncate to less than its end has");
  const Text& text = input.text();
  if (context.failed() || character_count(text.bytes) <= length + leeway) return input;
  Text out = text.part(0, character_offset(text.bytes, kept));
  if (!bound.flag(1)) out = split(out, " ", 1, true).front();
  out.append(end);
  return context.text(std::move(out));
}

Value url_encode_one(Context& context, const Value& value, bool query) {
  const Text text = printed(context, value);
  context.charge_bytes(3 * cost_of(text));
  if (context.failed()) return Value();
  Text out;
  text.for_each_run([&](std::string_view run, std::int32_t message) {
    std::string escaped;
    for (const char c : run) {
      const auto byte = static_cast<unsigned char>(c);
      const bool kept = byte < 0x80 && (std::isalnum(byte) != 0 ||
                                        std::string_view("_.-~").find(c) != std::string_view::npos);
      if (kept || (c == '/' && !query)) {
        escaped += c;
      } else if (c == ' ' && query) {
        escaped += '+';
      } else {
        escaped += fmt::format("%{:02X}", byte);
      }
    }
    out.append(escaped, message);
  });
  return context.text(std::move(out));
}

Value url_encode(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "urlencode", arguments, {});
  if (context.failed()) return Value();
  const bool walked = input.is<ListPtr>() || input.is<IteratorPtr>() || input.is<DictPtr>();
  if (!walked) return url_encode_one(context, input, false);
  const Value pairs =
      input.is<DictPtr>() ? apply_filter(context, "items", input, Arguments()) : input;
  const Text between("&");
  Joiner joiner(context, between);
  for (const Value& pair : elements(context, pairs)) {
    const std::vector<Value> both = elements(context, pair);
    if (both.size() != 2) return context.fail("urlencode takes pairs");
    const Value key = url_encode_one(context, both[0], true);
    const Value value = url_encode_one(context, both[1], true);
    if (context.failed()) return Value();
    Text part = key.text();
    part.append("=");
    part.append(value.text());
    if (!joiner.add(part)) break;
  }
  return joiner.finish();
}

Value word_count(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "wordcount", arguments, {});
  const Text text = printed(context, input);
  context.charge(text.bytes.size() / 8);
  if (context.failed()) return Value();
  std::int64_t words = 0;
  bool inside = false;
  for (std::string_view rest = text.bytes; !rest.empty();) {
    const Utf8Step step = utf8_step(rest);
    const bool part = step.code == '_' || is_letter(step.code) || is_numeric(step.code);
    if (part && !inside) ++words;
    inside = part;
    rest.remove_prefix(step.size);
  }
  return Value(words);
}

Value json(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "tojson", arguments,
                    {"ensure_ascii", "indent", "separators", "sort_keys"});
  if (context.failed()) return Value();
  JsonOptions options;
  options.ascii = bound.flag(0);
  if (bound[1] != nullptr && !bound[1]->is<None>()) {
    if (bound[1]->is<TextPtr>()) {
      options.indent = bound[1]->text();
    } else {
      const std::int64_t width = bound.whole(1, 0);
      if (width > kMaxIndent) return context.fail(fmt::format("an indent beyond {}", kMaxIndent));
      options.indent =
          Text(std::string(static_cast<std::size_t>(std::max<std::int64_t>(width, 0)), ' '));
    }
    options.item_separator = Text(",");
  }
  if (bound[2] != nullptr && !bound[2]->is<None>()) {
    const std::vector<Value> both = elements(context, *bound[2]);
    if (both.size() != 2 || !both[0].is<TextPtr>() || !both[1].is<TextPtr>())
      return context.fail("the separators of tojson are two texts");
    options.item_separator = both[0].text();
    options.key_separator = both[1].text();
  }
  options.sort_keys = bound.flag(3);
  return context.failed() ? Value() : to_json(context, input, options);
}

Value xml_attributes(Context& context, const Value& input, const Arguments& arguments) {
  const Bound bound(context, "xmlattr", arguments, {"autospace"});
  if (context.failed()) return Value();
  if (!input.is<DictPtr>()) return context.fail(fmt::format("xmlattr of {}", kind_name(input)));
  Text out;
  for (const auto& [key, value] : input.as<DictPtr>()->items) {
    if (value.is<None>() || value.is<Undefined>()) continue;
    if (!key.is<TextPtr>() || key.text().bytes.find_first_of(" \t\n\r\f\v/>=") != std::string::npos)
      return context.fail("a name that no attribute can have");
    const Text text = printed(context, value);
    context.charge_bytes(5 * (cost_of(text) + cost_of(key.text())));
    if (context.failed()) return Value();
    if (!out.bytes.empty() || bound[0] == nullptr || bound.flag(0)) out.append(" ");
    out.append(escape_html(key.text()));
    out.append("=\"");
    out.append(escape_html(text));
    out.append("\"");
  }
  return context.text(std::move(out));
}

constexpr std::string_view kPprint = "pprint";
constexpr std::string_view kStriptags = "striptags";
constexpr std::string_view kUrlize = "urlize";
constexpr std::string_view kWordwrap = "wordwrap";

constexpr FilterEntry kTextFilters[] = {
    {"capitalize", as_method<kCapitalize>},
    {"center", center},
    {"e", escape<false>},
    {"escape", escape<false>},
    {"forceescape", escape<true>},
    {"format", format},
    {"indent", indent},
    {"lower", as_method<kLower>},
    {"pprint", missing_filter<kPprint>},
    {"replace", replace_filter},
    {"safe", safe},
    {"string", string},
    {"striptags", missing_filter<kStriptags>},
    {"title", title},
    {"tojson", json},
    {"trim", trim},
    {"truncate", truncate},
    {"upper", as_method<kUpper>},
    {"urlencode", url_encode},
    {"urlize", missing_filter<kUrlize>},
    {"wordcount", word_count},
    {"wordwrap", missing_filter<kWordwrap>},
    {"xmlattr", xml_attributes},
};

}  // namespace

std::span<const FilterEntry> text_filters() {
  return kTextFilters;
}

}  // namespace mneme::jinja
