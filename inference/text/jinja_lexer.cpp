// SPDX-License-Identifier: Apache-2.0
#include "inference/text/jinja_lexer.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <charconv>
#include <optional>

#include "base/utf8.h"
#include "inference/text/characters.h"

namespace mneme::jinja {
namespace {

bool is_digit(char c) {
  return c >= '0' && c <= '9';
}
bool is_name_start(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
}
bool is_blank(char c) {
  return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

constexpr std::string_view kLongOps[] = {"//", "**", "==", "!=", ">=", "<="};
constexpr std::string_view kShortOps = "+-*/%~[](){}<>=.:|,;";

class Lexer {
 public:
  explicit Lexer(std::string_view source) : source_(source) {}

  Status run() {
    while (at_ < source_.size()) RETURN_IF_ERROR(data());
    emit(Token::Kind::end, "");
    return {};
  }
  std::vector<Token> tokens;

 private:
  std::string_view rest() const { return source_.substr(at_); }

  void emit(Token::Kind kind, std::string text) {
    tokens.push_back({kind, std::move(text), line_});
  }

  void advance(std::size_t count) {
    const std::string_view passed = source_.substr(at_, count);
    line_ += static_cast<int>(std::count(passed.begin(), passed.end(), '\n'));
    if (!passed.empty()) line_start_ = passed.back() == '\n';
    at_ += count;
  }

  // Plain text up to the next tag, and the tag.
  Status data() {
    std::size_t tag = at_;
    while (true) {
      tag = source_.find('{', tag);
      if (tag == std::string_view::npos) break;
      const char next = tag + 1 < source_.size() ? source_[tag + 1] : '\0';
      if (next == '{' || next == '%' || next == '#') break;
      ++tag;
    }
    if (tag == std::string_view::npos) {
      emit_data(rest());
      advance(source_.size() - at_);
      return {};
    }
    const char kind = source_[tag + 1];
    const char sign = tag + 2 < source_.size() ? source_[tag + 2] : '\0';
    std::string_view text = source_.substr(at_, tag - at_);
    if (sign == '-') {
      text = strip_right(text);
    } else if (sign != '+' && kind != '{') {
      text = without_indent(text);
    }
    emit_data(text);
    advance(tag - at_);
    advance(sign == '-' || sign == '+' ? 3 : 2);
    if (kind == '#') return comment();
    if (kind == '{') return print();
    return block();
  }

  // lstrip_blocks: blanks between the start of a line and a block tag are dropped.
  std::string_view without_indent(std::string_view text) const {
    const std::size_t newline = text.rfind('\n');
    const std::size_t begin = newline == std::string_view::npos ? 0 : newline + 1;
    if (begin == 0 && !line_start_) return text;
    return strip_left(text.substr(begin)).empty() ? text.substr(0, begin) : text;
  }

  void emit_data(std::string_view text) {
    if (!text.empty()) emit(Token::Kind::data, std::string(text));
  }

  // After a tag: "-" drops white space, a block or comment drops one newline (trim_blocks).
  void after_tag(bool strip, bool keep, bool trims) {
    if (strip) {
      advance(rest().size() - strip_left(rest()).size());
    } else if (trims && !keep && !rest().empty() && rest().front() == '\n') {
      advance(1);
    }
  }

  Status comment() {
    const std::size_t close = source_.find("#}", at_);
    if (close == std::string_view::npos) return template_error(line_, "a comment is never closed");
    const char sign = close > at_ ? source_[close - 1] : '\0';
    advance(close + 2 - at_);
    after_tag(sign == '-', sign == '+', true);
    return {};
  }

  Status print() {
    emit(Token::Kind::print_begin, "{{");
    return expression("}}", Token::Kind::print_end);
  }

  Status block() {
    const std::size_t name = at_ + (rest().size() - strip_left(rest()).size());
    if (source_.substr(name, 3) == "raw" &&
        (name + 3 >= source_.size() || !is_name_start(source_[name + 3]))) {
      return raw();
    }
    emit(Token::Kind::block_begin, "{%");
    return expression("%}", Token::Kind::block_end);
  }

  // {% raw %} ... {% endraw %}: nothing inside is a tag.
  Status raw() {
    const int line = line_;
    const std::size_t open = source_.find("%}", at_);
    if (open == std::string_view::npos) return template_error(line, "raw is never closed");
    const char sign = source_[open - 1];
    advance(open + 2 - at_);
    after_tag(sign == '-', false, false);
    if (at_ == source_.size()) return {};  // as Jinja: nothing is left that would want an end
    for (std::size_t tag = source_.find("{%", at_); tag != std::string_view::npos;
         tag = source_.find("{%", tag + 2)) {
      std::size_t name = tag + 2;
      const bool strip = name < source_.size() && source_[name] == '-';
      if (name < source_.size() && (strip || source_[name] == '+')) ++name;
      while (name < source_.size() && is_blank(source_[name])) ++name;
      if (source_.substr(name, 6) != "endraw") continue;
      const std::size_t close = source_.find("%}", name);
      if (close == std::string_view::npos) break;
      const std::string_view text = source_.substr(at_, tag - at_);
      emit_data(strip ? strip_right(text) : without_indent(text));
      const char end_sign = source_[close - 1];
      advance(close + 2 - at_);
      after_tag(end_sign == '-', end_sign == '+', true);
      return {};
    }
    return template_error(line, "raw is never closed");
  }

  Status expression(std::string_view close, Token::Kind close_kind) {
    std::string open;  // brackets that wait for their partner
    const int line = line_;
    while (at_ < source_.size()) {
      const char c = source_[at_];
      if (is_blank(c)) {
        advance(1);
        continue;
      }
      if (open.empty()) {
        const bool signed_close =
            (c == '-' || (c == '+' && close_kind == Token::Kind::block_end)) &&
            rest().substr(1, 2) == close;
        if (signed_close || rest().substr(0, 2) == close) {
          emit(close_kind, std::string(close));
          advance(signed_close ? 3 : 2);
          after_tag(signed_close && c == '-', signed_close && c == '+',
                    close_kind == Token::Kind::block_end);
          return {};
        }
      }
      if (c == '"' || c == '\'') {
        RETURN_IF_ERROR(text(c));
      } else if (is_digit(c)) {
        number();
      } else if (name_part(at_) != 0) {
        name();
      } else {
        RETURN_IF_ERROR(op(open));
      }
    }
    return template_error(line, "a tag is never closed");
  }

  // Bytes of the letter or digit of a name at `at`; 0 when there is none.
  std::size_t name_part(std::size_t at) const {
    if (at >= source_.size()) return 0;
    if (is_name_start(source_[at]) || is_digit(source_[at])) return 1;
    if (static_cast<unsigned char>(source_[at]) < 0x80) return 0;
    const Utf8Step step = utf8_step(source_.substr(at));
    return step.kind == Utf8Step::Kind::character && is_id_part(step.code) ? step.size : 0;
  }

  void name() {
    std::size_t end = at_;
    while (const std::size_t size = name_part(end)) end += size;
    emit(Token::Kind::name, std::string(source_.substr(at_, end - at_)));
    advance(end - at_);
  }

  void number() {
    const auto digits = [this](std::size_t from) {
      while (from < source_.size() && (is_digit(source_[from]) || source_[from] == '_')) ++from;
      return from;
    };
    const bool after_dot = !tokens.empty() && tokens.back().is_op(".");
    if (!after_dot && source_[at_] == '0' && based_number()) return;
    std::size_t end = digits(at_);
    bool real = false;
    if (after_dot) {  // x.0.1 is an element of an element
      emit(Token::Kind::integer, std::string(source_.substr(at_, end - at_)));
      advance(end - at_);
      return;
    }
    if (end + 1 < source_.size() && source_[end] == '.' && is_digit(source_[end + 1])) {
      real = true;
      end = digits(end + 1);
    }
    if (end < source_.size() && (source_[end] == 'e' || source_[end] == 'E')) {
      std::size_t exponent = end + 1;
      if (exponent < source_.size() && (source_[exponent] == '-' || source_[exponent] == '+'))
        ++exponent;
      if (digits(exponent) > exponent) {
        real = true;
        end = digits(exponent);
      }
    }
    std::string text(source_.substr(at_, end - at_));
    text.erase(std::remove(text.begin(), text.end(), '_'), text.end());
    emit(real ? Token::Kind::real : Token::Kind::integer, std::move(text));
    advance(end - at_);
  }

  // 0x1f, 0o17, 0b11: read here, since tokens hold numbers of base ten.
  bool based_number() {
    const char mark = at_ + 1 < source_.size() ? source_[at_ + 1] : '\0';
    const int base = mark == 'x' || mark == 'X'   ? 16
                     : mark == 'o' || mark == 'O' ? 8
                     : mark == 'b' || mark == 'B' ? 2
                                                  : 0;
    if (base == 0) return false;
    std::string text;
    std::size_t end = at_ + 2;
    for (; end < source_.size(); ++end) {
      if (source_[end] == '_') continue;
      if (std::isalnum(static_cast<unsigned char>(source_[end])) == 0) break;
      text += source_[end];
    }
    std::uint64_t value = 0;
    const auto read = std::from_chars(text.data(), text.data() + text.size(), value, base);
    if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return false;
    emit(Token::Kind::integer, std::to_string(value));
    advance(end - at_);
    return true;
  }

  Status op(std::string& open) {
    for (const std::string_view two : kLongOps) {
      if (rest().substr(0, 2) == two) {
        emit(Token::Kind::op, std::string(two));
        advance(2);
        return {};
      }
    }
    const char c = source_[at_];
    if (kShortOps.find(c) == std::string_view::npos) {
      return template_error(
          line_, fmt::format("the character '{}' has no meaning here",
                             c > 0x20 && c < 0x7f ? std::string(1, c) : std::string("?")));
    }
    if (c == '(' || c == '[' || c == '{') open += c == '(' ? ')' : c == '[' ? ']' : '}';
    if (c == ')' || c == ']' || c == '}') {
      if (open.empty() || open.back() != c)
        return template_error(line_, fmt::format("a '{}' too many", c));
      open.pop_back();
    }
    emit(Token::Kind::op, std::string(1, c));
    advance(1);
    return {};
  }

  // A quoted text with Python's escapes.
  Status text(char quote) {
    const int line = line_;
    std::string out;
    std::size_t i = at_ + 1;
    for (; i < source_.size() && source_[i] != quote; ++i) {
      if (source_[i] != '\\') {
        out += source_[i];
        continue;
      }
      if (++i >= source_.size()) break;
      const char c = source_[i];
      const std::size_t digits = c == 'x' ? 2 : c == 'u' ? 4 : c == 'U' ? 8 : 0;
      if (digits != 0) {
        const auto code = hex(source_.substr(i + 1, digits), digits);
        if (!code) return template_error(line, "a broken escape in a text");
        append_utf8(out, *code);
        i += digits;
      } else if (c >= '0' && c <= '7') {
        char32_t code = 0;
        std::size_t count = 0;
        for (; count < 3 && i + count < source_.size(); ++count) {
          const char digit = source_[i + count];
          if (digit < '0' || digit > '7') break;
          code = code * 8 + static_cast<char32_t>(digit - '0');
        }
        append_utf8(out, code);
        i += count - 1;
      } else if (c == 'N') {
        return template_error(line, "a character by its name, \\N{...}, is not supported");
      } else {
        escape(c, out);
      }
    }
    if (i >= source_.size()) return template_error(line, "a text is never closed");
    emit(Token::Kind::text, std::move(out));
    advance(i + 1 - at_);
    return {};
  }

  static void escape(char c, std::string& out) {
    switch (c) {
      case 'n':
        out += '\n';
        return;
      case 't':
        out += '\t';
        return;
      case 'r':
        out += '\r';
        return;
      case 'f':
        out += '\f';
        return;
      case 'v':
        out += '\v';
        return;
      case 'b':
        out += '\b';
        return;
      case 'a':
        out += '\a';
        return;
      case '\n':
        return;
      case '\\':
      case '\'':
      case '"':
        out += c;
        return;
      default:
        out += '\\';
        out += c;
    }
  }

  static std::optional<char32_t> hex(std::string_view digits, std::size_t count) {
    if (digits.size() != count) return std::nullopt;
    char32_t code = 0;
    for (const char c : digits) {
      const int value = is_digit(c)            ? c - '0'
                        : c >= 'a' && c <= 'f' ? c - 'a' + 10
                        : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                               : -1;
      if (value < 0 || code > 0x10ffff) return std::nullopt;
      code = code * 16 + static_cast<char32_t>(value);
    }
    if (code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return std::nullopt;
    return code;
  }

  std::string_view source_;
  std::size_t at_ = 0;
  int line_ = 1;
  bool line_start_ = true;  // nothing but what was read before stands left of here
};

}  // namespace

Error template_error(int line, std::string_view what) {
  return Error{ErrorCode::unsupported,
               fmt::format("the model's chat template, line {}: {}", line, what)};
}

bool is_space(char32_t code) {
  return (code >= 9 && code <= 13) || (code >= 28 && code <= 32) || code == 0x85 || code == 0xa0 ||
         code == 0x1680 || (code >= 0x2000 && code <= 0x200a) || code == 0x2028 || code == 0x2029 ||
         code == 0x202f || code == 0x205f || code == 0x3000;
}

std::string_view strip_left(std::string_view text) {
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    if (step.kind != Utf8Step::Kind::character || !is_space(step.code)) break;
    text.remove_prefix(step.size);
  }
  return text;
}

std::string_view strip_right(std::string_view text) {
  while (!text.empty()) {
    std::size_t begin = text.size() - 1;
    while (begin > 0 && text.size() - begin < 4 &&
           (static_cast<unsigned char>(text[begin]) & 0xc0) == 0x80)
      --begin;
    const Utf8Step step = utf8_step(text.substr(begin));
    if (step.kind != Utf8Step::Kind::character || step.size != text.size() - begin ||
        !is_space(step.code))
      break;
    text.remove_suffix(step.size);
  }
  return text;
}

Result<std::vector<Token>> tokenize(std::string_view source) {
  std::string text;  // one form of newline, and none at the very end
  text.reserve(source.size());
  for (std::size_t i = 0; i < source.size(); ++i) {
    if (source[i] != '\r') {
      text += source[i];
    } else {
      text += '\n';
      if (i + 1 < source.size() && source[i + 1] == '\n') ++i;
    }
  }
  if (!text.empty() && text.back() == '\n') text.pop_back();
  Lexer lexer(text);
  RETURN_IF_ERROR(lexer.run());
  return std::move(lexer.tokens);
}

}  // namespace mneme::jinja
