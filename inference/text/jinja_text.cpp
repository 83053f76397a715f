// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_text.h"

#include <algorithm>

#include "base/utf8.h"
#include "inference/text/jinja_lexer.h"
#include "inference/text/normalize.h"

namespace mneme::jinja {
namespace {

std::string_view last_character(std::string_view text) {
  std::size_t begin = text.size() - 1;
  while (begin > 0 && text.size() - begin < 4 &&
         (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80)
    --begin;
  return text.substr(begin);
}

bool is_one_of(std::string_view character, std::string_view set) {
  for (std::string_view rest = set; !rest.empty();
       rest.remove_prefix(first_character(rest).size())) {
    if (first_character(rest) == character) return true;
  }
  return false;
}

std::vector<Text> split_at_spaces(const Text& text, std::int64_t splits_max) {
  std::vector<Text> parts;
  std::string_view rest = strip_left(text.bytes);
  while (!rest.empty()) {
    if (splits_max >= 0 && static_cast<std::int64_t>(parts.size()) == splits_max) {
      parts.push_back(text.part(rest));
      break;
    }
    std::size_t size = 0;
    while (size < rest.size()) {
      const Utf8Step step = utf8_step(rest.substr(size));
      if (step.kind == Utf8Step::Kind::character && is_space(step.code)) break;
      size += step.size;
    }
    parts.push_back(text.part(rest.substr(0, size)));
    rest = strip_left(rest.substr(size));
  }
  return parts;
}

std::vector<Text> split_at_spaces_from_right(const Text& text, std::int64_t splits_max) {
  std::vector<Text> parts;
  std::string_view rest = strip_right(text.bytes);
  while (!rest.empty()) {
    if (splits_max >= 0 && static_cast<std::int64_t>(parts.size()) == splits_max) {
      parts.push_back(text.part(rest));
      break;
    }
    std::size_t begin = rest.size();
    while (begin > 0) {
      const std::string_view last = last_character(rest.substr(0, begin));
      const Utf8Step step = utf8_step(last);
      if (step.kind == Utf8Step::Kind::character && is_space(step.code)) break;
      begin -= last.size();
    }
    parts.push_back(text.part(rest.substr(begin)));
    rest = strip_right(rest.substr(0, begin));
  }
  std::reverse(parts.begin(), parts.end());
  return parts;
}

bool ends_line(char32_t code) {
  return (code >= 10 && code <= 13) || (code >= 0x1c && code <= 0x1e) || code == 0x85 ||
         code == 0x2028 || code == 0x2029;
}

}  // namespace

std::int64_t character_count(std::string_view text) {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; });
}

std::size_t character_offset(std::string_view text, std::int64_t n) {
  std::size_t at = 0;
  for (; n > 0 && at < text.size(); --n) at += utf8_step(text.substr(at)).size;
  return at;
}

std::string_view first_character(std::string_view text) {
  return text.substr(0, utf8_step(text).size);
}

Text strip(const Text& text, Side side, std::optional<std::string_view> characters) {
  std::string_view rest = text.bytes;
  if (!characters) {
    if (side != Side::right) rest = strip_left(rest);
    if (side != Side::left) rest = strip_right(rest);
  } else {
    while (side != Side::right && !rest.empty() && is_one_of(first_character(rest), *characters)) {
      rest.remove_prefix(first_character(rest).size());
    }
    while (side != Side::left && !rest.empty() && is_one_of(last_character(rest), *characters)) {
      rest.remove_suffix(last_character(rest).size());
    }
  }
  return text.part(rest);
}

std::vector<Text> split(const Text& text, std::optional<std::string_view> separator,
                        std::int64_t splits_max, bool from_right) {
  if (!separator) {
    return from_right ? split_at_spaces_from_right(text, splits_max)
                      : split_at_spaces(text, splits_max);
  }
  std::vector<Text> parts;
  std::string_view rest = text.bytes;
  while (splits_max < 0 || static_cast<std::int64_t>(parts.size()) < splits_max) {
    const std::size_t at = from_right ? rest.rfind(*separator) : rest.find(*separator);
    if (at == std::string::npos) break;
    const std::size_t after = at + separator->size();
    parts.push_back(text.part(from_right ? rest.substr(after) : rest.substr(0, at)));
    rest = from_right ? rest.substr(0, at) : rest.substr(after);
  }
  parts.push_back(text.part(rest));
  if (from_right) std::reverse(parts.begin(), parts.end());
  return parts;
}

std::vector<Text> split_lines(const Text& text, bool keep_ends) {
  std::vector<Text> lines;
  std::string_view rest = text.bytes;
  while (!rest.empty()) {
    std::size_t end = 0;
    std::size_t ending = 0;
    while (end < rest.size()) {
      const Utf8Step step = utf8_step(rest.substr(end));
      if (step.kind == Utf8Step::Kind::character && ends_line(step.code)) {
        ending = rest.substr(end, 2) == "\r\n" ? 2 : step.size;
        break;
      }
      end += step.size;
    }
    lines.push_back(text.part(rest.substr(0, keep_ends ? end + ending : end)));
    rest.remove_prefix(end + ending);
  }
  return lines;
}

Text replace(const Text& text, std::string_view from, const Text& to, std::int64_t times) {
  Text out;
  out.markup = text.markup;
  std::size_t done = 0;
  std::size_t at = 0;
  while (times != 0) {
    at = text.bytes.find(from, at);
    if (at == std::string::npos) break;
    out.append(text.part(done, at));
    out.append(to);
    done = at + from.size();
    if (times > 0) --times;
    if (!from.empty()) {
      at = done;
    } else if (at >= text.bytes.size()) {
      break;
    } else {
      at += utf8_step(std::string_view(text.bytes).substr(at)).size;
    }
  }
  out.append(text.part(done, text.bytes.size()));
  return out;
}

Text change_letters(const Text& text, Letters letters) {
  // A letter may change its size, so origins are kept per run of one origin.
  Text out;
  out.markup = text.markup;
  bool word_start = true;
  text.for_each_run([&](std::string_view run, std::int32_t message) {
    if (letters == Letters::upper) {
      out.append(to_upper(run), message);
      return;
    }
    if (letters == Letters::lower) {
      out.append(to_lower(run), message);
      return;
    }
    for (std::string_view rest = run; !rest.empty();) {
      const std::string_view character = first_character(rest);
      const std::string lower = to_lower(character);
      std::string upper = to_upper(character);
      if (letters !=
          Letters::swap) {  // one letter that becomes two: only the first of them is high
        const std::size_t first = first_character(upper).size();
        upper = upper.substr(0, first) + to_lower(std::string_view(upper).substr(first));
      }
      const bool raise = letters == Letters::swap ? character == lower : word_start;
      out.append(raise ? upper : lower, message);
      word_start = letters == Letters::title && lower == upper;
      rest.remove_prefix(character.size());
    }
  });
  return out;
}

Text pad(const Text& text, std::int64_t width, const Text& fill, Side text_side) {
  const std::int64_t missing = width - character_count(text.bytes);
  if (missing <= 0) return text;
  const std::int64_t left = text_side == Side::left    ? 0
                            : text_side == Side::right ? missing
                                                       : missing / 2 + (missing & width & 1);
  Text out;
  out.markup = text.markup;
  for (std::int64_t i = 0; i < left; ++i) out.append(fill);
  out.append(text);
  for (std::int64_t i = left; i < missing; ++i) out.append(fill);
  return out;
}

Text escape_html(const Text& text) {
  Text out;
  out.markup = true;
  if (text.markup) {
    out.append(text);
    return out;
  }
  text.for_each_run([&](std::string_view run, std::int32_t message) {
    std::string escaped;
    for (const char c : run) {
      switch (c) {
        case '&':
          escaped += "&amp;";
          break;
        case '<':
          escaped += "&lt;";
          break;
        case '>':
          escaped += "&gt;";
          break;
        case '"':
          escaped += "&#34;";
          break;
        case '\'':
          escaped += "&#39;";
          break;
        default:
          escaped += c;
      }
    }
    out.append(escaped, message);
  });
  return out;
}

}  // namespace mneme::jinja
