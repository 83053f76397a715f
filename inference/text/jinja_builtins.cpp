// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_builtins.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "inference/text/jinja_text.h"
#include "inference/text/utf8.h"

namespace mneme::jinja {
namespace {

// As Python writes a float.
std::string real_text(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  std::string text = fmt::format("{}", value);
  if (text.find_first_of(".e") == std::string::npos) text += ".0";
  return text;
}

class JsonWriter {
 public:
  JsonWriter(Context& context, int indent) : context_(context), indent_(indent) {}

  void write(const Value& value, int level) {
    context_.charge(1);
    if (context_.failed()) return;
    if (value.is<TextPtr>()) {
      write_text(value.text());
    } else if (value.is<ListPtr>()) {
      write_list(*value.as<ListPtr>(), level);
    } else if (value.is<DictPtr>()) {
      write_dict(*value.as<DictPtr>(), level);
    } else if (value.is<None>()) {
      out.append("null");
    } else if (value.is<bool>()) {
      out.append(value.as<bool>() ? "true" : "false");
    } else if (value.is<std::int64_t>()) {
      out.append(std::to_string(value.as<std::int64_t>()));
    } else if (value.is<double>()) {
      out.append(real_text(value.as<double>()));
    } else {
      context_.fail(fmt::format("{} cannot be written as JSON", kind_name(value)));
    }
  }
  Text out;

 private:
  void write_list(const List& list, int level) {
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
    out.append("{");
    for (std::size_t i = 0; i < dict.items.size(); ++i) {
      separate(i != 0, level + 1);
      write_text(*dict.items[i].first);
      out.append(": ");
      write(dict.items[i].second, level + 1);
      if (context_.failed()) return;
    }
    if (!dict.items.empty()) new_line(level);
    out.append("}");
  }

  void separate(bool comma, int level) {
    if (comma) out.append(indent_ < 0 ? ", " : ",");
    new_line(level);
  }

  void new_line(int level) {
    if (indent_ < 0) return;
    const std::size_t width = static_cast<std::size_t>(indent_) * static_cast<std::size_t>(level);
    context_.charge_bytes(width);
    out.append("\n");
    out.append(std::string(width, ' '));
  }

  void write_text(const Text& text) {
    context_.charge_bytes(text.bytes.size() * 2 + text.spans.size() * sizeof(Text::Span));
    if (context_.failed()) return;
    out.append("\"");
    std::size_t done = 0;
    for (const Text::Span& span : text.spans) {
      escape(std::string_view(text.bytes).substr(done, span.begin - done), -1);
      escape(std::string_view(text.bytes).substr(span.begin, span.end - span.begin), span.message);
      done = span.end;
    }
    escape(std::string_view(text.bytes).substr(done), -1);
    out.append("\"");
  }

  void escape(std::string_view text, std::int32_t message) {
    std::string escaped;
    for (const char c : text) {
      switch (c) {
        case '"':
          escaped += "\\\"";
          break;
        case '\\':
          escaped += "\\\\";
          break;
        case '\n':
          escaped += "\\n";
          break;
        case '\r':
          escaped += "\\r";
          break;
        case '\t':
          escaped += "\\t";
          break;
        case '\b':
          escaped += "\\b";
          break;
        case '\f':
          escaped += "\\f";
          break;
        default:
          if (static_cast<unsigned char>(c) < 0x20) {
            escaped += fmt::format("\\u{:04x}", static_cast<int>(c));
          } else {
            escaped += c;
          }
      }
    }
    out.append(escaped, message);
  }

  Context& context_;
  int indent_;
};

}  // namespace

Text printed(Context& context, const Value& value) {
  if (value.is<TextPtr>()) return value.text();
  if (value.is<Undefined>()) return Text();
  if (value.is<None>()) return Text("None");
  if (value.is<bool>()) return Text(value.as<bool>() ? "True" : "False");
  if (value.is<std::int64_t>()) return Text(std::to_string(value.as<std::int64_t>()));
  if (value.is<double>()) return Text(real_text(value.as<double>()));
  context.fail(fmt::format("{} cannot be printed", kind_name(value)));
  return Text();
}

std::vector<Value> elements(Context& context, const Value& value) {
  std::vector<Value> out;
  if (value.is<ListPtr>()) {
    const auto& items = value.as<ListPtr>()->items;
    context.charge(items.size());
    context.charge_bytes(items.size() * sizeof(Value));
    if (!context.failed()) out = items;
  } else if (value.is<DictPtr>()) {
    for (const auto& item : value.as<DictPtr>()->items) out.push_back(Value(item.first));
    context.charge(out.size());
  } else if (value.is<TextPtr>()) {
    const Text& text = value.text();
    context.charge(text.bytes.size());
    context.charge_bytes(text.bytes.size() * (sizeof(Text) + sizeof(Value)));
    for (std::size_t at = 0; at < text.bytes.size() && !context.failed();) {
      const std::size_t size = utf8_step(std::string_view(text.bytes).substr(at)).size;
      out.push_back(make_text(text.part(at, at + size)));
      at += size;
    }
  } else if (!value.is<Undefined>()) {
    context.fail(fmt::format("{} cannot be walked through", kind_name(value)));
  }
  return out;
}

Value to_json(Context& context, const Value& value, int indent) {
  JsonWriter writer(context, indent);
  writer.write(value, 0);
  return context.failed() ? Value() : context.text(std::move(writer.out));
}

Value member(Context& context, const Value& object, std::string_view name) {
  context.charge(1);
  if (object.is<DictPtr>()) {
    context.charge(object.as<DictPtr>()->items.size() / 8);
    const Value* value = object.as<DictPtr>()->find(name);
    return value == nullptr ? Value() : *value;
  }
  if (object.is<Namespace*>()) {
    context.charge(object.as<Namespace*>()->items.size() / 8);
    for (const auto& [key, value] : object.as<Namespace*>()->items) {
      if (key == name) return value;
    }
  }
  if (object.is<Undefined>())
    return context.fail(fmt::format("\"{}\" of something undefined", name.substr(0, 60)));
  return Value();
}

bool contains(Context& context, const Value& container, const Value& item) {
  context.charge(weight_of(container) + weight_of(item));
  if (context.failed()) return false;
  if (container.is<TextPtr>()) {
    if (!item.is<TextPtr>()) {
      context.fail(fmt::format("\"in\" looks for text in text, not for {}", kind_name(item)));
      return false;
    }
    charge_search(context, container.text(), item.text());
    return !context.failed() && container.text().bytes.find(item.text().bytes) != std::string::npos;
  }
  if (container.is<ListPtr>()) {
    const auto& items = container.as<ListPtr>()->items;
    context.charge(items.size() * (weight_of(item) / 8 + 1));
    return !context.failed() && std::any_of(items.begin(), items.end(),
                                            [&](const Value& value) { return equal(value, item); });
  }
  if (container.is<DictPtr>())
    return item.is<TextPtr>() && container.as<DictPtr>()->find(item.text().bytes) != nullptr;
  if (!container.is<Undefined>())
    context.fail(fmt::format("nothing can be \"in\" {}", kind_name(container)));
  return false;
}

void charge_search(Context& context, const Text& text, const Text& part) {
  const std::uint64_t worst =
      static_cast<std::uint64_t>(text.bytes.size() / 64 + 1) * (part.bytes.size() + 1);
  context.charge(worst);
}

std::int64_t character_count(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

std::size_t character_offset(std::string_view text, std::int64_t n) {
  std::size_t at = 0;
  for (; n > 0 && at < text.size(); --n) at += utf8_step(text.substr(at)).size;
  return at;
}

}  // namespace mneme::jinja
