// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_text.h"

#include "inference/text/jinja_lexer.h"
#include "inference/text/normalize.h"
#include "inference/text/utf8.h"

namespace mneme::jinja {
namespace {

std::string_view first_character(std::string_view text) {
  return text.substr(0, utf8_step(text).size);
}

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

Text part_of(const Text& whole, std::string_view part) {
  const auto begin = static_cast<std::size_t>(part.data() - whole.bytes.data());
  return whole.part(begin, begin + part.size());
}

std::vector<Text> split_at_spaces(const Text& text, std::int64_t splits_max) {
  std::vector<Text> parts;
  std::string_view rest = strip_left(text.bytes);
  while (!rest.empty()) {
    if (splits_max >= 0 && static_cast<std::int64_t>(parts.size()) == splits_max) {
      parts.push_back(part_of(text, rest));
      break;
    }
    std::size_t size = 0;
    while (size < rest.size()) {
      const Utf8Step step = utf8_step(rest.substr(size));
      if (step.kind == Utf8Step::Kind::character && is_space(step.code)) break;
      size += step.size;
    }
    parts.push_back(part_of(text, rest.substr(0, size)));
    rest = strip_left(rest.substr(size));
  }
  return parts;
}

}  // namespace

Text strip(const Text& text, Side side, std::string_view characters) {
  std::string_view rest = text.bytes;
  if (characters.empty()) {
    if (side != Side::right) rest = strip_left(rest);
    if (side != Side::left) rest = strip_right(rest);
  } else {
    while (side != Side::right && !rest.empty() && is_one_of(first_character(rest), characters)) {
      rest.remove_prefix(first_character(rest).size());
    }
    while (side != Side::left && !rest.empty() && is_one_of(last_character(rest), characters)) {
      rest.remove_suffix(last_character(rest).size());
    }
  }
  return part_of(text, rest);
}

std::vector<Text> split(const Text& text, std::string_view separator, std::int64_t splits_max) {
  if (separator.empty()) return split_at_spaces(text, splits_max);
  std::vector<Text> parts;
  std::size_t done = 0;
  while (splits_max < 0 || static_cast<std::int64_t>(parts.size()) < splits_max) {
    const std::size_t at = text.bytes.find(separator, done);
    if (at == std::string::npos) break;
    parts.push_back(text.part(done, at));
    done = at + separator.size();
  }
  parts.push_back(text.part(done, text.bytes.size()));
  return parts;
}

std::vector<Text> split_lines(const Text& text) {
  std::vector<Text> lines;
  std::size_t done = 0;
  while (done < text.bytes.size()) {
    const std::size_t end = text.bytes.find_first_of("\r\n\v\f", done);
    if (end == std::string::npos) {
      lines.push_back(text.part(done, text.bytes.size()));
      break;
    }
    lines.push_back(text.part(done, end));
    done = end + (text.bytes.compare(end, 2, "\r\n") == 0 ? 2 : 1);
  }
  return lines;
}

Text replace(const Text& text, std::string_view from, const Text& to, std::int64_t times) {
  Text out;
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
  std::size_t done = 0;
  bool word_start = true;
  const auto take = [&](std::size_t end, std::int32_t message) {
    const std::string_view part = std::string_view(text.bytes).substr(done, end - done);
    done = end;
    if (letters == Letters::upper) {
      out.append(to_upper(part), message);
    } else if (letters == Letters::lower) {
      out.append(to_lower(part), message);
    } else {
      for (std::string_view rest = part; !rest.empty();) {
        const std::string_view character = first_character(rest);
        const std::string lower = to_lower(character);
        const std::string upper = to_upper(character);
        out.append(word_start ? upper : lower, message);
        word_start = letters == Letters::title && lower == upper;
        rest.remove_prefix(character.size());
      }
    }
  };
  for (const Text::Span& span : text.spans) {
    take(span.begin, -1);
    take(span.end, span.message);
  }
  take(text.bytes.size(), -1);
  return out;
}

Text indent(const Text& text, std::string_view prefix, bool first, bool blank) {
  Text out;
  const std::vector<Text> lines = split(text, "\n", -1);
  for (std::size_t i = 0; i < lines.size(); ++i) {
    if (i != 0) out.append("\n");
    if ((i != 0 || first) && (blank || i == 0 || !lines[i].bytes.empty())) out.append(prefix);
    out.append(lines[i]);
  }
  return out;
}

}  // namespace mneme::jinja
