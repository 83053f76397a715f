// SPDX-License-Identifier: Apache-2.0
#include "inference/store/unicode_text.h"

#include <unicode/ubrk.h>
#include <unicode/uchar.h>
#include <unicode/unorm2.h>
#include <unicode/utext.h>
#include <unicode/utf16.h>
#include <unicode/utf8.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace mneme {
namespace {

constexpr std::size_t kTitleCharacters = 60;
constexpr std::size_t kTitleBytesRead = 4096;  // of the message; also bounds stacked accents
constexpr std::size_t kTitleBytesMax = 480;
constexpr std::size_t kSnippetBytesBefore = 48;
constexpr std::size_t kSnippetBytesAfter = 120;
constexpr std::string_view kEllipsis = "…";

// The next code point of `text` from `*at` on, U+FFFD for bytes that are none.
UChar32 next_code_point(std::string_view text, std::size_t* at) {
  const auto rest = static_cast<std::int32_t>(std::min<std::size_t>(text.size() - *at, 4));
  std::int32_t used = 0;
  UChar32 c = 0;
  const char* bytes = text.data() + *at;
  U8_NEXT_OR_FFFD(bytes, used, rest, c);
  *at += static_cast<std::size_t>(used);
  return c;
}

void append_code_point(std::string* out, UChar32 c) {
  char bytes[U8_MAX_LENGTH];
  std::int32_t used = 0;
  U8_APPEND_UNSAFE(bytes, used, c);
  out->append(bytes, static_cast<std::size_t>(used));
}

bool is_blank(UChar32 c) {
  return u_isUWhiteSpace(c) || u_charType(c) == U_CONTROL_CHAR;
}

// Marks that turn the direction of what follows would reach beyond their line of a list.
bool is_direction_control(UChar32 c) {
  return (c >= 0x202A && c <= 0x202E) || (c >= 0x2066 && c <= 0x2069);
}

bool is_accent(UChar32 c) {
  return c >= 0x0300 && c <= 0x036F;
}

void append_folded(std::string* out, UChar32 c, const UNormalizer2* normalizer) {
  if (c < 0x80) {
    out->push_back(static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c));
    return;
  }
  UChar pieces[32];
  UErrorCode status = U_ZERO_ERROR;
  const std::int32_t n = unorm2_getDecomposition(normalizer, c, pieces, 32, &status);
  if (n < 0 || U_FAILURE(status)) {
    if (!is_accent(c)) append_code_point(out, c);
    return;
  }
  for (std::int32_t i = 0; i < n;) {
    UChar32 piece = 0;
    U16_NEXT(pieces, i, n, piece);
    if (!is_accent(piece)) append_code_point(out, piece);
  }
}

// `sources`, if not null, gets for each byte of the result the offset that it came from.
std::string fold(std::string_view text, std::vector<std::size_t>* sources) {
  UErrorCode status = U_ZERO_ERROR;
  const UNormalizer2* normalizer = unorm2_getNFKCCasefoldInstance(&status);
  CHECK(U_SUCCESS(status));  // data of the library itself
  std::string out;
  out.reserve(text.size());
  bool blank = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t source = at;
    const UChar32 c = next_code_point(text, &at);
    if (is_blank(c)) {
      blank = !out.empty();
      continue;
    }
    if (blank) out.push_back(' ');
    blank = false;
    append_folded(&out, c, normalizer);
    if (sources != nullptr) sources->resize(out.size(), source);
  }
  return out;
}

// `text` on one line: runs of blanks become one space, direction controls go. `sources` as in
// fold().
std::string one_line(std::string_view text, std::vector<std::size_t>* sources = nullptr) {
  std::string out;
  bool blank = false;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t source = at;
    const UChar32 c = next_code_point(text, &at);
    if (is_direction_control(c)) continue;
    if (is_blank(c)) {
      blank = !out.empty();
      continue;
    }
    if (blank) out.push_back(' ');
    if (sources != nullptr) sources->resize(out.size(), source - 1);
    blank = false;
    append_code_point(&out, c);
    if (sources != nullptr) sources->resize(out.size(), source);
  }
  return out;
}

// Where characters as readers count them begin; valid UTF-8 only.
class Characters {
 public:
  explicit Characters(std::string_view text) : size_(text.size()) {
    UErrorCode status = U_ZERO_ERROR;
    text_.reset(
        utext_openUTF8(nullptr, text.data(), static_cast<std::int64_t>(text.size()), &status));
    breaks_.reset(ubrk_open(UBRK_CHARACTER, "", nullptr, 0, &status));
    CHECK(U_SUCCESS(status));
    ubrk_setUText(breaks_.get(), text_.get(), &status);
    CHECK(U_SUCCESS(status));
  }
  // Byte offset where character `index` begins; the size when there are not so many.
  std::size_t begin_of(std::size_t index) {
    ubrk_first(breaks_.get());
    std::int32_t at = 0;
    for (std::size_t i = 0; i < index && at != UBRK_DONE; ++i) at = ubrk_next(breaks_.get());
    return at == UBRK_DONE ? size_ : static_cast<std::size_t>(at);
  }
  // The last beginning at or before `offset`.
  std::size_t at_or_before(std::size_t offset) {
    if (offset >= size_) return size_;
    const auto at = static_cast<std::int32_t>(offset);
    if (ubrk_isBoundary(breaks_.get(), at)) return offset;
    const std::int32_t before = ubrk_preceding(breaks_.get(), at);
    return before == UBRK_DONE ? 0 : static_cast<std::size_t>(before);
  }

 private:
  struct Close {
    void operator()(UText* text) const { utext_close(text); }
    void operator()(UBreakIterator* breaks) const { ubrk_close(breaks); }
  };
  std::size_t size_;
  std::unique_ptr<UText, Close> text_;
  std::unique_ptr<UBreakIterator, Close> breaks_;
};

// Not inside a code point: `offset` or the next lower one that begins one.
std::size_t code_point_begin(std::string_view text, std::size_t offset) {
  if (offset >= text.size()) return text.size();
  std::size_t back = 0;
  while (back < 3 && offset > 0 && (static_cast<unsigned char>(text[offset]) & 0xC0) == 0x80) {
    --offset;
    ++back;
  }
  return offset;
}

}  // namespace

std::string fold_for_search(std::string_view text) {
  return fold(text, nullptr);
}

std::size_t count_code_points(std::string_view utf8) {
  return static_cast<std::size_t>(std::count_if(utf8.begin(), utf8.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0) != 0x80;
  }));
}

std::string title_from(std::string_view message) {
  const std::size_t read = code_point_begin(message, kTitleBytesRead);
  std::string line = one_line(message.substr(0, read));
  Characters characters(line);
  if (characters.begin_of(kTitleCharacters) == line.size() && line.size() <= kTitleBytesMax &&
      read == message.size()) {
    return line;
  }
  std::size_t end =
      std::min(characters.begin_of(kTitleCharacters - 1), characters.at_or_before(kTitleBytesMax));
  const std::size_t space = line.rfind(' ', end);
  if (space != std::string::npos && space > end / 2) end = space;
  line.resize(end);
  while (!line.empty() && line.back() == ' ') line.pop_back();
  return line.empty() ? line : line + std::string(kEllipsis);
}

std::vector<TextRange> find_folded(std::string_view text, std::string_view folded_query) {
  CHECK(!folded_query.empty());
  std::vector<std::size_t> sources;
  const std::string folded = fold(text, &sources);
  std::vector<TextRange> found;
  std::size_t from = 0;
  for (;;) {
    from = folded.find(folded_query, from);
    if (from == std::string::npos) return found;
    // To the end of the last character that took part, accents that follow it included.
    const std::size_t last = from + folded_query.size() - 1;
    std::size_t after = last + 1;
    while (after < folded.size() && sources[after] == sources[last]) ++after;
    std::size_t end = after < folded.size() ? sources[after] : text.size();
    const std::string_view tail = text.substr(sources[last], end - sources[last]);
    std::size_t used = 0;
    next_code_point(tail, &used);
    for (std::size_t at = used; at < tail.size(); used = at) {
      if (!is_accent(next_code_point(tail, &at))) break;
    }
    found.push_back({sources[from], sources[last] + used});
    from = std::max(after, from + folded_query.size());
  }
}

Snippet snippet_around(std::string_view text, std::string_view folded_query) {
  const auto places = find_folded(text, folded_query);
  const TextRange hit = places.empty() ? TextRange{} : places.front();
  std::size_t begin =
      hit.begin > kSnippetBytesBefore ? code_point_begin(text, hit.begin - kSnippetBytesBefore) : 0;
  const std::size_t end = code_point_begin(text, hit.end + kSnippetBytesAfter);
  if (begin > 0) {  // from the next word on, where that comes before the hit
    const std::size_t space = text.substr(begin, hit.begin - begin).find(' ');
    if (space != std::string_view::npos) begin += space + 1;
  }
  std::vector<std::size_t> sources;
  Snippet snippet;
  snippet.line = one_line(text.substr(begin, end - begin), &sources);
  const auto place = [&](std::size_t offset) {
    return static_cast<std::size_t>(
        std::lower_bound(sources.begin(), sources.end(), offset - begin) - sources.begin());
  };
  if (hit.end > hit.begin) snippet.match = {place(hit.begin), place(hit.end)};
  if (end < text.size()) {
    std::string& line = snippet.line;
    const std::size_t whole = Characters(line).at_or_before(line.empty() ? 0 : line.size() - 1);
    line.resize(std::max(whole, snippet.match.end));
    line += kEllipsis;
  }
  if (begin > 0) {
    snippet.line.insert(0, kEllipsis);
    snippet.match.begin += kEllipsis.size();
    snippet.match.end += kEllipsis.size();
  }
  return snippet;
}

}  // namespace mneme
