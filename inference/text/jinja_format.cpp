// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_format.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <optional>

#include "inference/text/jinja_builtins.h"
#include "inference/text/jinja_print.h"
#include "inference/text/jinja_text.h"

namespace mneme::jinja {
namespace {

constexpr std::int64_t kMaxField = 10'000;
constexpr std::int64_t kMaxPrecision = 100;

bool is_ascii_digit(char c) {
  return c >= '0' && c <= '9';
}

// What stands between "%" or ":" and the type's letter.
struct Spec {
  Text fill{" "};
  char align = 0;  // < > ^ = or none
  char sign = '-';
  bool alternate = false;
  bool zeros = false;
  char grouping = 0;  // , or _
  std::int64_t width = 0;
  std::int64_t precision = -1;
  char type = 0;
};

// Reads a spec's parts from the front of a text.
class SpecReader {
 public:
  explicit SpecReader(std::string_view text) : rest(text) {}

  bool take(char c) {
    if (rest.empty() || rest.front() != c) return false;
    rest.remove_prefix(1);
    return true;
  }
  char take_any(std::string_view set) {
    if (rest.empty() || set.find(rest.front()) == std::string_view::npos) return 0;
    const char c = rest.front();
    rest.remove_prefix(1);
    return c;
  }
  // Numbers beyond every bound stay beyond it.
  std::optional<std::int64_t> number() {
    if (rest.empty() || !is_ascii_digit(rest.front())) return std::nullopt;
    std::int64_t value = 0;
    while (!rest.empty() && is_ascii_digit(rest.front())) {
      value = std::min<std::int64_t>(value * 10 + (rest.front() - '0'), 1'000'000);
      rest.remove_prefix(1);
    }
    return value;
  }
  std::string_view rest;
};

bool check_bounds(Context& context, const Spec& spec) {
  if (spec.width > kMaxField || spec.precision > kMaxPrecision) {
    context.fail(
        fmt::format("a width beyond {} or a precision beyond {}", kMaxField, kMaxPrecision));
  } else {
    context.charge_bytes(static_cast<std::uint64_t>(spec.width) *
                         (spec.fill.bytes.size() + sizeof(Text::Span)));
  }
  return !context.failed();
}

// Digits of a whole number's size in base 2, 8, 10 or 16, with the prefix that "#" asks for.
std::string digits_of(std::int64_t value, const Spec& spec) {
  const std::uint64_t size = value < 0 ? std::uint64_t{0} - static_cast<std::uint64_t>(value)
                                       : static_cast<std::uint64_t>(value);
  switch (spec.type) {
    case 'x':
      return (spec.alternate ? "0x" : "") + fmt::format("{:x}", size);
    case 'X':
      return (spec.alternate ? "0X" : "") + fmt::format("{:X}", size);
    case 'o':
      return (spec.alternate ? "0o" : "") + fmt::format("{:o}", size);
    case 'b':
      return (spec.alternate ? "0b" : "") + fmt::format("{:b}", size);
    default:
      return std::to_string(size);
  }
}

// A real number's size by e, f, g and their capitals.
std::string real_digits(double value, const Spec& spec) {
  const char format[] = {'%',
                         spec.alternate ? '#' : '.',
                         spec.alternate ? '.' : '*',
                         spec.alternate ? '*' : spec.type,
                         spec.alternate ? spec.type : '\0',
                         '\0'};
  char out[512];
  const int precision = spec.precision < 0 ? 6 : static_cast<int>(spec.precision);
  const int size = std::snprintf(out, sizeof(out), format, precision, std::abs(value));
  return std::string(out, static_cast<std::size_t>(size));
}

std::string grouped(const std::string& digits, char separator) {
  std::size_t end = 0;
  while (end < digits.size() && is_ascii_digit(digits[end])) ++end;
  std::string out;
  for (std::size_t i = 0; i < end; ++i) {
    if (i != 0 && (end - i) % 3 == 0) out += separator;
    out += digits[i];
  }
  return out + digits.substr(end);
}

// Sign, padding and the number's digits.
Text number_text(bool negative, std::string digits, const Spec& spec) {
  if (spec.grouping != 0) digits = grouped(digits, spec.grouping);
  std::string sign = negative ? "-" : spec.sign == '-' ? "" : std::string(1, spec.sign);
  if (spec.align == '=' || (spec.zeros && spec.align == 0)) {
    const bool prefixed = digits.size() > 1 && digits[0] == '0' && !is_ascii_digit(digits[1]) &&
                          digits[1] != '.' && digits[1] != 'e';
    if (prefixed) {
      sign += digits.substr(0, 2);
      digits.erase(0, 2);
    }
    Text out(sign);
    const Text fill = spec.zeros && spec.align == 0 ? Text("0") : spec.fill;
    out.append(
        pad(Text(digits), spec.width - static_cast<std::int64_t>(sign.size()), fill, Side::right));
    return out;
  }
  const Side side = spec.align == '<' ? Side::left : spec.align == '^' ? Side::both : Side::right;
  if (side != Side::both) return pad(Text(sign + digits), spec.width, spec.fill, side);
  const std::int64_t missing = spec.width - static_cast<std::int64_t>(sign.size() + digits.size());
  Text out;  // format() centers with the odd one on the right
  for (std::int64_t i = 0; i < missing / 2; ++i) out.append(spec.fill);
  out.append(sign + digits);
  return pad(out, spec.width, spec.fill, Side::left);
}

Text padded_text(const Text& text, const Spec& spec) {
  Text cut = text;
  if (spec.precision >= 0) cut = text.part(0, character_offset(text.bytes, spec.precision));
  if (spec.align == '^') {
    const std::int64_t missing = spec.width - character_count(cut.bytes);
    Text out;
    for (std::int64_t i = 0; i < missing / 2; ++i) out.append(spec.fill);
    out.append(cut);
    return pad(out, spec.width, spec.fill, Side::left);
  }
  return pad(cut, spec.width, spec.fill, spec.align == '>' ? Side::right : Side::left);
}

std::optional<std::int64_t> as_whole(Context& context, const Value& value) {
  if (value.is_whole()) return value.whole();
  if (!value.is<double>() || !(std::abs(value.as<double>()) < 9e18)) {
    context.fail(fmt::format("a number was expected in a format, not {}", kind_name(value)));
    return std::nullopt;
  }
  return static_cast<std::int64_t>(value.as<double>());
}

class PercentFormatter {
 public:
  PercentFormatter(Context& context, const Text& format, const Value& values)
      : context_(context), format_(format), values_(values) {
    const bool is_tuple =
        values.is<ListPtr>() && (values.as<ListPtr>()->kind == List::Kind::tuple ||
                                 values.as<ListPtr>()->kind == List::Kind::group);
    if (is_tuple) {
      items_ = values.as<ListPtr>()->items;
    } else {
      items_ = {values};
      may_be_left_ = values.is<DictPtr>() || values.is<ListPtr>();
    }
  }

  Value run() {
    SpecReader reader(format_.bytes);
    while (!reader.rest.empty() && !context_.failed()) {
      const std::size_t at = reader.rest.find('%');
      append(format_.part(reader.rest.substr(0, at)));
      if (at == std::string_view::npos) break;
      reader.rest.remove_prefix(at + 1);
      convert(reader);
    }
    if (!context_.failed() && next_ < items_.size() && !may_be_left_)
      context_.fail("not all values of a format are used");
    out_.markup = format_.markup;
    return context_.failed() ? Value() : context_.text(std::move(out_));
  }

 private:
  void append(const Text& text) {
    context_.charge_bytes(text.bytes.size() + text.spans.size() * sizeof(Text::Span));
    if (!context_.failed()) out_.append(text);
  }

  Value next_value() {
    if (next_ < items_.size()) return items_[next_++];
    return context_.fail("a format has too few values");
  }

  std::int64_t star_or_number(SpecReader& reader, std::int64_t missing) {
    if (!reader.take('*')) return reader.number().value_or(missing);
    const Value value = next_value();
    if (!value.is_whole()) context_.fail("a format's * takes an integer");
    return context_.failed() ? missing
                             : std::clamp<std::int64_t>(value.whole(), -1'000'000, 1'000'000);
  }

  void convert(SpecReader& reader) {
    Spec spec;
    std::optional<Value> named;
    if (reader.take('(')) {
      const std::size_t end = reader.rest.find(')');
      if (end == std::string_view::npos || !values_.is<DictPtr>()) {
        context_.fail("a format with names takes a mapping");
        return;
      }
      const Value* value = values_.as<DictPtr>()->find(reader.rest.substr(0, end));
      if (value == nullptr) {
        context_.fail(fmt::format("a format's \"{}\" is missing",
                                  reader.rest.substr(0, std::min<std::size_t>(end, 60))));
        return;
      }
      named = *value;
      reader.rest.remove_prefix(end + 1);
    }
    bool left = false;
    while (const char flag = reader.take_any("-+ #0")) {
      if (flag == '-') left = true;
      if (flag == '+' || (flag == ' ' && spec.sign == '-')) spec.sign = flag;
      if (flag == '#') spec.alternate = true;
      if (flag == '0') spec.zeros = true;
    }
    spec.width = star_or_number(reader, 0);
    left = left || spec.width < 0;
    spec.width = std::abs(spec.width);
    if (reader.take('.')) spec.precision = std::max<std::int64_t>(star_or_number(reader, 0), 0);
    reader.take_any("hlL");
    spec.align = left ? '<' : 0;
    spec.type = reader.take_any("diouxXeEfFgGcrs%");
    if (!check_bounds(context_, spec)) return;
    if (spec.type == '%') return append(Text("%"));
    if (spec.type == 0) {
      context_.fail("an unknown letter after a format's %");
      return;
    }
    const Value value = named ? *named : next_value();
    if (!context_.failed()) append(converted(value, spec));
  }

  Text converted(const Value& value, Spec spec) {
    if (spec.type == 's' || spec.type == 'r') {
      spec.align = spec.align == '<' ? '<' : '>';
      spec.zeros = false;
      Text text = spec.type == 's' ? printed(context_, value) : repr(context_, value);
      return padded_text(format_.markup ? escape_html(text) : text, spec);
    }
    if (spec.type == 'c') {
      // Of a number it could be any character, whoever gave the number.
      if (value.is<TextPtr>() && character_count(value.text().bytes) == 1) return value.text();
      context_.fail("a format's %c takes one character");
      return Text();
    }
    if (!value.is_number()) {
      context_.fail(fmt::format("a number was expected in a format, not {}", kind_name(value)));
      return Text();
    }
    if (std::string_view("eEfFgG").find(spec.type) != std::string_view::npos)
      return number_text(std::signbit(value.number()), real_digits(value.number(), spec), spec);
    if (value.is<double>() && std::string_view("oxX").find(spec.type) != std::string_view::npos) {
      context_.fail("a format's %x and %o take integers");
      return Text();
    }
    const auto whole = as_whole(context_, value);
    if (!whole) return Text();
    std::string digits = digits_of(*whole, spec);
    if (const auto missing = spec.precision - static_cast<std::int64_t>(digits.size()); missing > 0)
      digits.insert(0, static_cast<std::size_t>(missing), '0');
    return number_text(*whole < 0, std::move(digits), spec);
  }

  Context& context_;
  const Text& format_;
  const Value& values_;
  std::vector<Value> items_;
  std::size_t next_ = 0;
  bool may_be_left_ = false;
  Text out_;
};

class BraceFormatter {
 public:
  BraceFormatter(Context& context, const Arguments& arguments)
      : context_(context), arguments_(arguments) {}

  Text run(const Text& format, int depth) {
    Text out;
    std::string_view rest = format.bytes;
    while (!rest.empty() && !context_.failed()) {
      const std::size_t at = rest.find_first_of("{}");
      append(out, format.part(rest.substr(0, at)));
      if (at == std::string_view::npos) break;
      const std::string_view pair = rest.substr(at, 2);
      if (pair == "{{" || pair == "}}") {
        append(out, format.part(pair.substr(0, 1)));
        rest.remove_prefix(at + 2);
        continue;
      }
      const std::size_t end = rest[at] == '{' ? field_end(rest, at) : std::string_view::npos;
      if (end == std::string_view::npos || depth == 0) {
        context_.fail("a format's braces do not match");
        break;
      }
      append(out, field(format, rest.substr(at + 1, end - at - 1), depth));
      rest.remove_prefix(end + 1);
    }
    return out;
  }

 private:
  void append(Text& out, const Text& text) {
    context_.charge(1);
    context_.charge_bytes(text.bytes.size() + text.spans.size() * sizeof(Text::Span));
    if (!context_.failed()) out.append(text);
  }

  static std::size_t field_end(std::string_view text, std::size_t open) {
    int depth = 0;
    for (std::size_t i = open; i < text.size(); ++i) {
      if (text[i] == '{') ++depth;
      if (text[i] == '}' && --depth == 0) return i;
    }
    return std::string_view::npos;
  }

  Text field(const Text& format, std::string_view inside, int depth) {
    const std::size_t end = inside.find_first_of("!:");
    const std::string_view name = inside.substr(0, end);
    std::string_view rest = end == std::string_view::npos ? "" : inside.substr(end);
    char conversion = 0;
    if (rest.size() > 1 && rest[0] == '!') {
      conversion = rest[1];
      rest.remove_prefix(2);
    }
    if (!rest.empty() && rest.front() != ':') {
      context_.fail("a format's field is broken");
      return Text();
    }
    Value value = find(name);
    if (context_.failed()) return Text();
    if (conversion == 's') value = context_.text(printed(context_, value));
    if (conversion == 'r') value = context_.text(repr(context_, value));
    if (conversion != 0 && conversion != 's' && conversion != 'r')
      context_.fail(fmt::format("a format's !{} is not supported", conversion));
    if (rest.size() <= 1 || context_.failed()) return printed(context_, value);
    const Text spec = run(format.part(rest.substr(1)), depth - 1);
    return context_.failed() ? Text() : formatted(value, spec);
  }

  Value find(std::string_view name) {
    const std::size_t end = std::min(name.find_first_of(".["), name.size());
    const std::string_view first = name.substr(0, end);
    Value value = argument(first);
    std::string_view rest = name.substr(end);
    while (!rest.empty() && !context_.failed()) {
      const bool attribute = rest.front() == '.';
      const std::size_t close =
          attribute ? std::min(rest.find_first_of(".[", 1), rest.size()) : rest.find(']');
      if (close == std::string_view::npos || (!attribute && rest.front() != '['))
        return context_.fail("a format's field is broken");
      const std::string_view part = rest.substr(1, close - 1);
      SpecReader index(part);
      const auto number = index.number();
      if (attribute) {
        value = get_attribute(context_, value, part);
      } else if (number && index.rest.empty()) {
        value = get_item(context_, value, Value(*number));
      } else {
        value = get_item(context_, value, context_.text(part));
      }
      rest.remove_prefix(attribute ? close : close + 1);
    }
    return value;
  }

  Value argument(std::string_view name) {
    SpecReader reader(name);
    const auto number = reader.number();
    if (name.empty() || (number && reader.rest.empty())) {
      if (name.empty() ? numbered_ : automatic_ != 0)
        return context_.fail("a format with both numbered and plain braces");
      if (!name.empty()) numbered_ = true;
      const auto index = name.empty() ? automatic_++ : static_cast<std::size_t>(*number);
      if (index < arguments_.positional.size()) return arguments_.positional[index];
      return context_.fail("a format has too few values");
    }
    for (const auto& [key, value] : arguments_.named) {
      if (key->bytes == name) return value;
    }
    return context_.fail(fmt::format("a format's \"{}\" is missing", name.substr(0, 60)));
  }

  Text formatted(const Value& value, const Text& text) {
    Spec spec;
    const std::string_view all = text.bytes;
    SpecReader reader(all);
    const std::size_t fill_size = first_character(all).size();
    constexpr std::string_view kAligns = "<>=^";
    if (all.size() > fill_size && kAligns.find(all[fill_size]) != std::string_view::npos) {
      spec.fill = text.part(0, fill_size);
      spec.align = all[fill_size];
      reader.rest.remove_prefix(fill_size + 1);
    } else {
      spec.align = reader.take_any(kAligns);
    }
    if (const char sign = reader.take_any("+- ")) spec.sign = sign;
    spec.alternate = reader.take('#');
    spec.zeros = reader.take('0');
    spec.width = reader.number().value_or(0);
    spec.grouping = reader.take_any(",_");
    if (reader.take('.')) {
      const auto precision = reader.number();
      if (!precision) context_.fail("a format's precision is missing");
      spec.precision = precision.value_or(0);
    }
    spec.type = reader.take_any("bdeEfFgGoxXs%");
    if (!reader.rest.empty()) context_.fail("a format that is not supported");
    if (context_.failed() || !check_bounds(context_, spec)) return Text();
    return value.is_number() ? formatted_number(value, spec) : formatted_text(value, spec);
  }

  Text formatted_text(const Value& value, const Spec& spec) {
    const bool plain =
        spec.sign == '-' && !spec.alternate && spec.grouping == 0 && spec.align != '=';
    if (!value.is<TextPtr>() || !plain || (spec.type != 0 && spec.type != 's')) {
      context_.fail(fmt::format("this format is not for {}", kind_name(value)));
      return Text();
    }
    Spec zeros = spec;
    if (spec.zeros && spec.align == 0) zeros.fill = Text("0");
    return padded_text(value.text(), zeros);
  }

  Text formatted_number(const Value& value, Spec spec) {
    const bool whole_type = std::string_view("bdoxX").find(spec.type) != std::string_view::npos;
    if (spec.type == 's' || (value.is<double>() && whole_type && spec.type != 0)) {
      context_.fail(fmt::format("this format is not for {}", kind_name(value)));
      return Text();
    }
    if (value.is_whole() && (spec.type == 0 || whole_type)) {
      if (spec.precision >= 0) {
        context_.fail("a precision of an integer");
        return Text();
      }
      return number_text(value.whole() < 0, digits_of(value.whole(), spec), spec);
    }
    const double number = value.number();
    const bool negative = std::signbit(number);
    if (spec.type == 0) {
      if (spec.precision >= 0) {
        context_.fail("a number's precision without a type");
        return Text();
      }
      return number_text(negative, real_text(std::abs(number)), spec);
    }
    if (spec.type != '%') return number_text(negative, real_digits(number, spec), spec);
    spec.type = 'f';
    return number_text(negative, real_digits(number * 100, spec) + "%", spec);
  }

  Context& context_;
  const Arguments& arguments_;
  std::size_t automatic_ = 0;
  bool numbered_ = false;
};

}  // namespace

Value format_percent(Context& context, const Text& format, const Value& values) {
  return PercentFormatter(context, format, values).run();
}

Value format_braces(Context& context, const Text& format, const Arguments& arguments) {
  if (format.markup) return context.fail("format of a safe text is not supported");
  Text out = BraceFormatter(context, arguments).run(format, 2);
  return context.failed() ? Value() : context.text(std::move(out));
}

}  // namespace mneme::jinja
