// SPDX-License-Identifier: Apache-2.0
#include "engram/compressed_vocab.h"

#include <fmt/format.h>
#include <unicode/normalizer2.h>
#include <unicode/uchar.h>
#include <unicode/unistr.h>
#include <unicode/utf8.h>

#include <cstdint>
#include <limits>

#include "base/check.h"

namespace mneme {
namespace {

constexpr char32_t kReplacement = 0xfffd;
constexpr char32_t kLoneSpace = 0xe000;  // private use: stands for a text that is one space

// False where the bytes are not UTF-8 (surrogates and overlong forms included) or hold U+FFFD:
// there is nothing to normalise then.
bool is_whole_text(std::string_view bytes) {
  CHECK(bytes.size() <= static_cast<std::size_t>(std::numeric_limits<std::int32_t>::max()));
  const char* data = bytes.data();
  const auto length = static_cast<std::int32_t>(bytes.size());
  for (std::int32_t i = 0; i < length;) {
    UChar32 c = 0;
    U8_NEXT(data, i, length, c);
    if (c < 0 || c == static_cast<UChar32>(kReplacement)) return false;
  }
  return true;
}

bool is_mark(UChar32 c) {
  return (U_GET_GC_MASK(c) & U_GC_M_MASK) != 0;
}

bool is_blank(UChar32 c) {
  return c == ' ' || c == '\t' || c == '\r' || c == '\n';
}

// Marks dropped, lower case, each run of blanks one space.
std::u32string fold(const icu::UnicodeString& text) {
  std::u32string folded;
  for (std::int32_t i = 0; i < text.length(); i = text.moveIndex32(i, 1)) {
    const UChar32 c = text.char32At(i);
    if (is_mark(c)) continue;
    if (is_blank(c)) {
      if (folded.empty() || folded.back() != U' ') folded.push_back(U' ');
      continue;
    }
    // The simple mapping equals the full one: only U+0130 differs, and NFD has taken it apart.
    folded.push_back(static_cast<char32_t>(u_tolower(c)));
  }
  return folded;
}

std::u32string strip(std::u32string text) {
  if (text == U" ") return std::u32string(1, kLoneSpace);
  const auto is_space = [](char32_t c) { return u_isUWhiteSpace(static_cast<UChar32>(c)) != 0; };
  std::size_t begin = 0;
  std::size_t end = text.size();
  while (begin < end && is_space(text[begin])) ++begin;
  while (end > begin && is_space(text[end - 1])) --end;
  return text.substr(begin, end - begin);
}

std::string to_utf8(const std::u32string& text) {
  icu::UnicodeString units;
  for (const char32_t c : text) units.append(static_cast<UChar32>(c == kLoneSpace ? U' ' : c));
  std::string bytes;
  return units.toUTF8String(bytes);
}

Result<icu::UnicodeString> decompose(std::string_view text) {
  UErrorCode code = U_ZERO_ERROR;
  const icu::Normalizer2* nfkc = icu::Normalizer2::getNFKCInstance(code);
  const icu::Normalizer2* nfd = icu::Normalizer2::getNFDInstance(code);
  icu::UnicodeString result;
  if (U_SUCCESS(code)) {
    const auto units = icu::UnicodeString::fromUTF8(
        icu::StringPiece(text.data(), static_cast<std::int32_t>(text.size())));
    result = nfd->normalize(nfkc->normalize(units, code), code);
  }
  if (U_FAILURE(code)) {
    return Error{ErrorCode::unsupported,
                 fmt::format("ICU cannot normalise text ({}); its data files may be missing",
                             u_errorName(code))};
  }
  return result;
}

}  // namespace

Result<std::string> class_key(std::string_view decoded, std::string_view raw) {
  if (!is_whole_text(decoded)) return std::string(raw);
  const auto decomposed = decompose(decoded);
  if (!decomposed) return decomposed.error();
  std::string key = to_utf8(strip(fold(*decomposed)));
  // Vertical tabs, form feeds and lone marks normalise to nothing: they keep their own text.
  if (key.empty()) return std::string(decoded);
  return key;
}

Result<ClassId> CompressedVocab::add(std::string_view decoded, std::string_view raw) {
  auto key = class_key(decoded, raw);
  if (!key) return key.error();
  const auto [entry, is_new] = classes_.try_emplace(std::move(*key), class_count_);
  if (is_new) ++class_count_;
  map_.push_back(entry->second);
  return entry->second;
}

ClassId CompressedVocab::add_distinct() {
  map_.push_back(class_count_);
  return class_count_++;
}

}  // namespace mneme
