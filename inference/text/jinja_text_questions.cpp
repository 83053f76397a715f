// SPDX-License-Identifier: Apache-2.0
// Methods of texts that ask what its characters are: "12".isdigit().
#include "base/utf8.h"
#include "inference/text/characters.h"
#include "inference/text/jinja_lexer.h"
#include "inference/text/jinja_methods.h"

namespace mneme::jinja {
namespace {

template <class Use>
void for_each_character(std::string_view text, Use use) {
  while (!text.empty()) {
    const Utf8Step step = utf8_step(text);
    use(step.code);
    text.remove_prefix(step.size);
  }
}

bool prepare(Context& context, const Value& object, const Arguments& arguments) {
  const Bound bound(context, "a question about a text", arguments, {});
  context.charge(object.text().bytes.size() / 8);
  return !context.failed();
}

// True where every character holds; `Empty` is the answer for an empty text.
template <bool (*Holds)(char32_t), bool Empty = false>
Value all(Context& context, const Value& object, const Arguments& arguments) {
  if (!prepare(context, object, arguments)) return Value();
  bool holds = Empty || !object.text().bytes.empty();
  for_each_character(object.text().bytes, [&](char32_t code) { holds = holds && Holds(code); });
  return Value(holds);
}

// islower and isupper: no letter of another case, and at least one of this.
template <bool (*Wanted)(char32_t), bool (*Other)(char32_t)>
Value cased(Context& context, const Value& object, const Arguments& arguments) {
  if (!prepare(context, object, arguments)) return Value();
  bool any = false;
  bool holds = true;
  for_each_character(object.text().bytes, [&](char32_t code) {
    any = any || Wanted(code);
    holds = holds && !Other(code) && !is_title(code);
  });
  return Value(any && holds);
}

Value is_title_text(Context& context, const Value& object, const Arguments& arguments) {
  if (!prepare(context, object, arguments)) return Value();
  bool any = false;
  bool holds = true;
  bool inside = false;  // of a word
  for_each_character(object.text().bytes, [&](char32_t code) {
    const bool high = is_upper(code) || is_title(code);
    const bool low = is_lower(code);
    if ((high && inside) || (low && !inside)) holds = false;
    inside = high || low;
    any = any || inside;
  });
  return Value(any && holds);
}

Value is_identifier(Context& context, const Value& object, const Arguments& arguments) {
  if (!prepare(context, object, arguments)) return Value();
  bool holds = !object.text().bytes.empty();
  bool first = true;
  for_each_character(object.text().bytes, [&](char32_t code) {
    holds = holds && (first ? is_id_start(code) : is_id_part(code));
    first = false;
  });
  return Value(holds);
}

bool is_alnum(char32_t code) {
  return is_letter(code) || is_numeric(code);
}
bool is_ascii(char32_t code) {
  return code < 0x80;
}

constexpr MethodEntry kTextQuestions[] = {
    {"isalnum", all<is_alnum>},
    {"isalpha", all<is_letter>},
    {"isascii", all<is_ascii, true>},
    {"isdecimal", all<is_decimal>},
    {"isdigit", all<mneme::is_digit>},
    {"isidentifier", is_identifier},
    {"islower", cased<is_lower, is_upper>},
    {"isnumeric", all<is_numeric>},
    {"isprintable", all<is_printable, true>},
    {"isspace", all<is_space>},
    {"istitle", is_title_text},
    {"isupper", cased<is_upper, is_lower>},
};

}  // namespace

std::span<const MethodEntry> text_question_methods() {
  return kTextQuestions;
}

}  // namespace mneme::jinja
