// SPDX-License-Identifier: Apache-2.0
#include "inference/text/text_cutter.h"

#include <array>

#include "base/utf8.h"
#include "inference/text/characters.h"
#include "inference/text/deepseek_llm_cutter.h"

namespace mneme {
namespace {

using Take = std::function<bool(std::string_view)>;

struct Character {
  char32_t code = 0;
  std::uint8_t bits = 0;  // category_bits(); 0 at the end of the text, too
  std::size_t end = 0;    // where the next one begins

  bool is(std::uint8_t mask) const { return (bits & mask) != 0; }
  bool is_newline() const { return code == '\n' || code == '\r'; }
};

const std::array<std::uint8_t, 128>& ascii_bits() {
  static const std::array<std::uint8_t, 128> table = [] {
    std::array<std::uint8_t, 128> bits{};
    for (char32_t code = 0; code < 128; ++code) bits[code] = category_bits(code);
    return bits;
  }();
  return table;
}

// Where runs of characters end in a text.
class Scanner {
 public:
  explicit Scanner(std::string_view text) : text_(text), ascii_(ascii_bits()) {}

  std::size_t size() const { return text_.size(); }

  Character at(std::size_t place) const {
    if (place >= text_.size()) return {0, 0, place};
    const auto first = static_cast<unsigned char>(text_[place]);
    if (first < 128) return {first, ascii_[first], place + 1};
    const Utf8Step step = utf8_step(text_.substr(place));
    return {step.code, category_bits(step.code), place + step.size};
  }

  std::size_t run(std::size_t place, std::uint8_t mask) const {
    Character next = at(place);
    for (; next.is(mask); next = at(place)) place = next.end;
    return place;
  }

  std::size_t run_without(std::size_t place, std::uint8_t mask) const {
    while (place < size()) {
      const Character next = at(place);
      if (next.is(mask)) break;
      place = next.end;
    }
    return place;
  }

  template <class Wanted>
  std::size_t run_of(std::size_t place, const Wanted& wanted) const {
    while (place < size()) {
      const Character next = at(place);
      if (!wanted(next.code)) break;
      place = next.end;
    }
    return place;
  }

 private:
  std::string_view text_;
  const std::array<std::uint8_t, 128>& ascii_;
};

bool is_ascii_letter(char32_t code) {
  return (code >= 'a' && code <= 'z') || (code >= 'A' && code <= 'Z');
}

bool is_han_or_kana(char32_t code) {
  return (code >= 0x4e00 && code <= 0x9fa5) || (code >= 0x3040 && code <= 0x30ff);
}

// Cuts by one expression of alternatives: the first that takes something at a place wins.
class WordCutter {
 public:
  WordCutter(const CutRules& rules, std::string_view text)
      : rules_(rules),
        text_(text),
        word_(static_cast<std::uint8_t>(kLetter | (rules.marks_in_words ? kMark : 0))) {}

  // The end of the piece that begins at `place`; `place` itself: no alternative takes anything.
  std::size_t end_of(std::size_t place) const {
    switch (rules_.shape) {
      case CutRules::Shape::gpt2:
        return gpt2(place);
      case CutRules::Shape::deepseek_v3:
        return deepseek_v3(place);
      default:
        return modern(place);
    }
  }

 private:
  // (?:'s|'t|'re|'ve|'m|'ll|'d): `place` where there is none. In either case of letters, the long s
  // is an s.
  std::size_t contraction(std::size_t place, bool either_case) const {
    const Character quote = text_.at(place);
    if (quote.code != '\'') return place;
    const auto letter = [&](std::size_t from) {
      Character c = text_.at(from);
      if (either_case && c.code >= 'A' && c.code <= 'Z') c.code += 'a' - 'A';
      if (either_case && c.code == 0x17f) c.code = 's';
      return c;
    };
    const Character first = letter(quote.end);
    const Character second = letter(first.end);
    switch (first.code) {
      case 's':
      case 't':
      case 'm':
      case 'd':
        return first.end;
      case 'r':
      case 'v':
        return second.code == 'e' ? second.end : place;
      case 'l':
        return second.code == 'l' ? second.end : place;
      default:
        return place;
    }
  }

  // \s+(?!\S)|\s+: a run but for its last character, which the piece behind it may begin with.
  // With lines, before that, \s*[\r\n]+: up to the last line end of the run.
  std::size_t white_space(std::size_t place, bool lines) const {
    std::size_t end = place;
    std::size_t last = place;
    std::size_t line = place;
    for (Character c = text_.at(end); c.is(kWhiteSpace); c = text_.at(end)) {
      last = end;
      end = c.end;
      if (c.is_newline()) line = end;
    }
    if (lines && line > place) return line;
    return end == text_.size() || last == place ? end : last;
  }

  std::size_t line_ends(std::size_t place, bool slashes) const {
    return text_.run_of(place, [slashes](char32_t code) {
      return code == '\r' || code == '\n' || (slashes && code == '/');
    });
  }

  std::size_t behind_space(std::size_t place) const {
    return text_.at(place).code == ' ' ? place + 1 : place;
  }

  std::size_t gpt2(std::size_t place) const {
    const std::size_t short_form = contraction(place, false);
    if (short_form > place) return short_form;
    const std::size_t from = behind_space(place);
    const Character first = text_.at(from);
    if (first.is(kLetter)) return text_.run(from, kLetter);
    if (first.is(kNumber)) return text_.run(from, kNumber);
    if (first.end > from && !first.is(kWhiteSpace)) {
      return text_.run_without(from, kWhiteSpace | kLetter | kNumber);
    }
    return white_space(place, false);
  }

  std::size_t numbers(std::size_t place) const {
    for (std::size_t n = 0; n < rules_.numbers_max && text_.at(place).is(kNumber); ++n) {
      place = text_.at(place).end;
    }
    return place;
  }

  std::size_t modern(std::size_t place) const {
    const bool by_case = rules_.shape == CutRules::Shape::by_case;
    if (!by_case && rules_.contractions) {
      const std::size_t short_form = contraction(place, true);
      if (short_form > place) return short_form;
    }
    const Character first = text_.at(place);
    const std::size_t word =
        by_case ? cased_word(place) : plain_word(first, place, kLetter | kNumber);
    if (word > place) return word;
    if (first.is(kNumber)) return numbers(place);
    const std::size_t from = behind_space(place);
    const Character symbol = text_.at(from);
    const auto others = static_cast<std::uint8_t>(kWhiteSpace | word_ | kNumber);
    if (symbol.end > from && !symbol.is(others)) {
      return line_ends(text_.run_without(from, others), by_case);
    }
    return white_space(place, true);
  }

  // [^\r\n...]?W+, where W is a letter, or a letter or mark, and ... is `not_in_front`.
  std::size_t plain_word(const Character& first, std::size_t place,
                         std::uint8_t not_in_front) const {
    if (first.is(word_)) return text_.run(place, word_);
    if (first.is_newline() || first.is(not_in_front)) return place;
    const std::size_t end = text_.run(first.end, word_);
    return end > first.end ? end : place;
  }

  // F?C*S+E?|F?C+S*E?, where F is neither line end, letter nor number, C a capital, S a small
  // letter, letters without case and marks are both, and E is a contraction.
  std::size_t cased_word(std::size_t place) const {
    const Character first = text_.at(place);
    const bool in_front = first.end > place && !first.is_newline() && !first.is(kLetter | kNumber);
    std::size_t end = in_front ? small_word(first.end) : 0;
    if (end == 0) end = small_word(place);
    if (end == 0 && in_front) end = capital_word(first.end);
    if (end == 0) end = capital_word(place);
    if (end == 0) return place;
    return rules_.contractions ? contraction(end, true) : end;
  }

  static constexpr std::uint8_t kBothCases = kOtherLetter | kMark;
  static constexpr std::uint8_t kCapitals = kUpperCase | kBothCases;
  static constexpr std::uint8_t kSmall = kLowerCase | kBothCases;

  // C*S+; 0: no.
  std::size_t small_word(std::size_t place) const {
    std::size_t small = 0;  // behind the last of the capitals that can also be small
    Character c = text_.at(place);
    for (; c.is(kCapitals); c = text_.at(place)) {
      place = c.end;
      if (c.is(kBothCases)) small = place;
    }
    return c.is(kSmall) ? text_.run(place, kSmall) : small;
  }

  // C+S*; 0: no.
  std::size_t capital_word(std::size_t place) const {
    const std::size_t end = text_.run(place, kCapitals);
    return end > place ? text_.run(end, kSmall) : 0;
  }

  std::size_t deepseek_v3(std::size_t place) const {
    const Character first = text_.at(place);
    const Character second = text_.at(first.end);
    if (first.code < 128 && first.is(kPunctuation | kSymbol) && is_ascii_letter(second.code)) {
      return text_.run_of(first.end, is_ascii_letter);
    }
    const std::size_t word = plain_word(first, place, kLetter | kPunctuation | kSymbol);
    if (word > place) return word;
    const std::size_t from = behind_space(place);
    const std::size_t symbols = text_.run(from, kPunctuation | kSymbol);
    if (symbols > from) return line_ends(symbols, false);
    return white_space(place, true);
  }

  const CutRules& rules_;
  const Scanner text_;
  const std::uint8_t word_;
};

struct Stretch {
  std::size_t begin = 0;
  std::size_t end = 0;
};

// Gives what `find` (text, from) finds to `take_found`, and what lies between to `take_rest`.
template <class Find, class TakeFound, class TakeRest>
bool cut_out(std::string_view text, const Find& find, const TakeFound& take_found,
             const TakeRest& take_rest) {
  std::size_t done = 0;
  while (done < text.size()) {
    const Stretch found = find(text, done);
    if (found.end == found.begin) break;
    if (found.begin > done && !take_rest(text.substr(done, found.begin - done))) return false;
    if (!take_found(text.substr(found.begin, found.end - found.begin))) return false;
    done = found.end;
  }
  return done == text.size() || take_rest(text.substr(done));
}

bool cut_words(const CutRules& rules, std::string_view text, const Take& take) {
  const WordCutter cutter(rules, text);
  const auto find = [&cutter](std::string_view all, std::size_t from) {
    const Scanner scanner(all);
    for (std::size_t place = from; place < all.size(); place = scanner.at(place).end) {
      const std::size_t end = cutter.end_of(place);
      if (end > place) return Stretch{place, end};
    }
    return Stretch{};
  };
  return cut_out(text, find, take, take);
}

// The first run of characters that are `wanted`.
template <class Wanted>
Stretch find_run(std::string_view text, std::size_t from, const Wanted& wanted) {
  const Scanner scanner(text);
  const std::size_t begin =
      scanner.run_of(from, [&wanted](char32_t code) { return !wanted(code); });
  return {begin, scanner.run_of(begin, wanted)};
}

// \p{N}{1,max}
Stretch find_numbers(std::string_view text, std::size_t from, std::size_t max) {
  const Scanner scanner(text);
  const std::size_t begin = scanner.run_without(from, kNumber);
  std::size_t end = begin;
  for (std::size_t n = 0; n < max && scanner.at(end).is(kNumber); ++n) end = scanner.at(end).end;
  return {begin, end};
}

}  // namespace

bool cut_text(const CutRules& rules, std::string_view text, const Take& take) {
  if (rules.shape == CutRules::Shape::deepseek_llm) return cut_deepseek_llm(text, take);
  if (!rules.numbers_first) return cut_words(rules, text, take);
  const auto words = [&](std::string_view piece) { return cut_words(rules, piece, take); };
  const auto han_first = [&](std::string_view piece) {
    const auto han = [](std::string_view all, std::size_t from) {
      return find_run(all, from, is_han_or_kana);
    };
    return cut_out(piece, han, take, words);
  };
  const auto numbers = [&rules](std::string_view all, std::size_t from) {
    return find_numbers(all, from, rules.numbers_max);
  };
  if (rules.shape == CutRules::Shape::deepseek_v3) return cut_out(text, numbers, take, han_first);
  return cut_out(text, numbers, take, words);
}

}  // namespace mneme
