// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_print.h"

#include <fmt/format.h>

#include <cmath>

#include "base/utf8.h"
#include "inference/text/characters.h"
#include "inference/text/jinja_node.h"
#include "inference/text/jinja_operators.h"

namespace mneme::jinja {
namespace {

// A text between quotes, as Python picks and escapes them.
void write_quoted(Context& context, const Text& text, Text& out) {
  context.charge(text.bytes.size() / 8 + 1);
  context.charge_bytes(text.bytes.size() * 2 + text.spans.size() * sizeof(Text::Span));
  if (context.failed()) return;
  const bool has_single = text.bytes.find('\'') != std::string::npos;
  const char quote = has_single && text.bytes.find('"') == std::string::npos ? '"' : '\'';
  out.append(std::string_view(&quote, 1));
  text.for_each_run([&](std::string_view run, std::int32_t message) {
    std::string escaped;
    while (!run.empty()) {
      const Utf8Step step = utf8_step(run);
      const char32_t code = step.code;
      if (code == static_cast<char32_t>(quote) || code == '\\') {
        escaped += '\\';
        escaped += run.front();
      } else if (code == '\n') {
        escaped += "\\n";
      } else if (code == '\r') {
        escaped += "\\r";
      } else if (code == '\t') {
        escaped += "\\t";
      } else if (is_printable(code)) {
        escaped += run.substr(0, step.size);
      } else {
        escaped += code < 0x100     ? fmt::format("\\x{:02x}", static_cast<unsigned>(code))
                   : code < 0x10000 ? fmt::format("\\u{:04x}", static_cast<unsigned>(code))
                                    : fmt::format("\\U{:08x}", static_cast<unsigned>(code));
      }
      run.remove_prefix(step.size);
    }
    out.append(escaped, message);
  });
  out.append(std::string_view(&quote, 1));
}

void write_repr(Context& context, const Value& value, Text& out);

void write_items(Context& context, const std::vector<Value>& items, std::string_view open,
                 std::string_view close, Text& out) {
  out.append(open);
  for (std::size_t i = 0; i < items.size() && !context.failed(); ++i) {
    if (i != 0) out.append(", ");
    write_repr(context, items[i], out);
  }
  out.append(close);
}

void write_list(Context& context, const List& list, Text& out) {
  switch (list.kind) {
    case List::Kind::list:
      return write_items(context, list.items, "[", "]", out);
    case List::Kind::tuple:
    case List::Kind::group:
      return write_items(context, list.items, "(", list.items.size() == 1 ? ",)" : ")", out);
    case List::Kind::keys:
      return write_items(context, list.items, "dict_keys([", "])", out);
    case List::Kind::values:
      return write_items(context, list.items, "dict_values([", "])", out);
    case List::Kind::pairs:
      return write_items(context, list.items, "dict_items([", "])", out);
    case List::Kind::range:
      out.append(fmt::format("range({}, {}", list.range[0], list.range[1]));
      if (list.range[2] != 1) out.append(fmt::format(", {}", list.range[2]));
      return out.append(")");
  }
}

void write_dict(Context& context, const std::vector<std::pair<Value, Value>>& items, Text& out) {
  out.append("{");
  for (std::size_t i = 0; i < items.size() && !context.failed(); ++i) {
    if (i != 0) out.append(", ");
    write_repr(context, items[i].first, out);
    out.append(": ");
    write_repr(context, items[i].second, out);
  }
  out.append("}");
}

void write_repr(Context& context, const Value& value, Text& out) {
  context.charge(1);
  context.charge_bytes(8);
  if (context.failed()) return;
  if (value.is<TextPtr>()) {
    if (value.text().markup) out.append("Markup(");
    write_quoted(context, value.text(), out);
    if (value.text().markup) out.append(")");
  } else if (value.is<Undefined>()) {
    out.append("Undefined");
  } else if (value.is<None>()) {
    out.append("None");
  } else if (value.is<bool>()) {
    out.append(value.as<bool>() ? "True" : "False");
  } else if (value.is<std::int64_t>()) {
    out.append(std::to_string(value.as<std::int64_t>()));
  } else if (value.is<double>()) {
    out.append(real_text(value.as<double>()));
  } else if (value.is<ListPtr>()) {
    write_list(context, *value.as<ListPtr>(), out);
  } else if (value.is<DictPtr>()) {
    write_dict(context, value.as<DictPtr>()->items, out);
  } else if (value.is<Loop*>()) {
    const Loop& loop = *value.as<Loop*>();
    out.append(fmt::format("<LoopContext {}/{}>", loop.at + 1, loop.items.size()));
  } else if (value.is<Macro>()) {
    out.append(fmt::format("<Macro '{}'>", value.as<Macro>().node->name));
  } else {  // Python writes an address
    context.fail(fmt::format("{} cannot be printed", kind_name(value)));
  }
}

class JsonWriter {
 public:
  JsonWriter(Context& context, const JsonOptions& options) : context_(context), options_(options) {}

  void write(const Value& value, int level) {
    context_.charge(1);
    context_.charge_bytes(8);
    if (context_.failed()) return;
    if (value.is<TextPtr>()) {
      write_text(value.text());
    } else if (value.is<ListPtr>()) {
      write_list(value, level);
    } else if (value.is<DictPtr>()) {
      write_dict(*value.as<DictPtr>(), level);
    } else if (const std::string text = scalar(value); !text.empty()) {
      out.append(text);
    } else {
      refuse(value);
    }
  }
  Text out;

 private:
  void refuse(const Value& value) {
    context_.fail(fmt::format("{} cannot be written as JSON", kind_name(value)));
  }

  static std::string scalar(const Value& value) {
    if (value.is<None>()) return "null";
    if (value.is<bool>()) return value.as<bool>() ? "true" : "false";
    if (value.is<std::int64_t>()) return std::to_string(value.as<std::int64_t>());
    if (!value.is<double>()) return {};
    const double number = value.as<double>();
    if (std::isnan(number)) return "NaN";
    if (std::isinf(number)) return number > 0 ? "Infinity" : "-Infinity";
    return real_text(number);
  }

  void write_list(const Value& value, int level) {
    const List& list = *value.as<ListPtr>();
    if (list.kind > List::Kind::group) return refuse(value);
    out.append("[");
    for (std::size_t i = 0; i < list.items.size(); ++i) {
      separate(i != 0, level + 1);
      write(list.items[i], level + 1);
      if (context_.failed()) return;
    }
    if (!list.items.empty()) new_line(level);
    out.append("]");
  }

  void write_dict(const Dict& dict, int level) {
    std::vector<std::pair<Value, Value>> items = dict.items;
    context_.charge_bytes(items.size() * sizeof(items[0]));
    if (options_.sort_keys && !sort(items)) return;
    out.append("{");
    for (std::size_t i = 0; i < items.size(); ++i) {
      separate(i != 0, level + 1);
      const Value& key = items[i].first;
      if (key.is<TextPtr>()) {
        write_text(key.text());
      } else if (const std::string text = scalar(key); !text.empty()) {
        out.append("\"" + text + "\"");
      } else {
        context_.fail(fmt::format("{} as a key cannot be written as JSON", kind_name(key)));
      }
      append(options_.key_separator);
      write(items[i].second, level + 1);
      if (context_.failed()) return;
    }
    if (!items.empty()) new_line(level);
    out.append("}");
  }

  bool sort(std::vector<std::pair<Value, Value>>& items) {
    std::vector<Value> keys;
    for (const auto& item : items) keys.push_back(item.first);
    const std::vector<std::size_t> order = sorted_order(context_, keys, false);
    if (context_.failed()) return false;
    std::vector<std::pair<Value, Value>> sorted;
    for (const std::size_t i : order) sorted.push_back(items[i]);
    items = std::move(sorted);
    return true;
  }

  void append(const Text& text) {
    context_.charge_bytes(text.bytes.size() + text.spans.size() * sizeof(Text::Span));
    if (!context_.failed()) out.append(text);
  }

  void separate(bool comma, int level) {
    if (comma) append(options_.item_separator);
    new_line(level);
  }

  void new_line(int level) {
    if (!options_.indent) return;
    out.append("\n");
    for (int i = 0; i < level; ++i) append(*options_.indent);
  }

  void write_text(const Text& text) {
    context_.charge(text.bytes.size() / 16);
    context_.charge_bytes(text.bytes.size() * 2 + text.spans.size() * sizeof(Text::Span));
    if (context_.failed()) return;
    out.append("\"");
    text.for_each_run(
        [this](std::string_view run, std::int32_t message) { out.append(escaped(run), message); });
    out.append("\"");
  }

  std::string escaped(std::string_view text) {
    std::string out_text;
    while (!text.empty()) {
      const Utf8Step step = utf8_step(text);
      const char c = text.front();
      constexpr std::string_view kPlain = "\"\\\n\r\t\b\f";
      constexpr std::string_view kLetters = "\"\\nrtbf";
      if (const std::size_t at = kPlain.find(c); at != std::string_view::npos) {
        out_text += '\\';
        out_text += kLetters[at];
      } else if (static_cast<unsigned char>(c) < 0x20 || (options_.ascii && step.size > 1)) {
        append_unit_escapes(step.code, out_text);
      } else {
        out_text += text.substr(0, step.size);
      }
      text.remove_prefix(step.size);
    }
    return out_text;
  }

  // \uXXXX, twice for what lies beyond 16 bits.
  static void append_unit_escapes(char32_t code, std::string& out) {
    const auto unit = [&](char32_t value) {
      out += fmt::format("\\u{:04x}", static_cast<unsigned>(value));
    };
    if (code < 0x10000) return unit(code);
    unit(0xd800 + ((code - 0x10000) >> 10));
    unit(0xdc00 + ((code - 0x10000) & 0x3ff));
  }

  Context& context_;
  const JsonOptions& options_;
};

}  // namespace

std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

Text printed(Context& context, const Value& value) {
  if (value.is<TextPtr>()) return value.text();
  if (value.is<Undefined>()) return Text();
  return repr(context, value);
}

Text repr(Context& context, const Value& value) {
  Text out;
  write_repr(context, value, out);
  return context.failed() ? Text() : out;
}

Value to_json(Context& context, const Value& value, const JsonOptions& options) {
  JsonWriter writer(context, options);
  writer.write(value, 0);
  return context.failed() ? Value() : context.text(std::move(writer.out));
}

}  // namespace mneme::jinja
