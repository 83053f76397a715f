// SPDX-License-Identifier: Apache-2.0
#include "inference/text/normalize.h"

#include <unicode/bytestream.h>
#include <unicode/casemap.h>
#include <unicode/normalizer2.h>
#include <unicode/stringpiece.h>

#include "base/check.h"

namespace mneme {
namespace {

icu::StringPiece piece_of(std::string_view text) {
  CHECK(text.size() < (std::size_t{1} << 30));
  return {text.data(), static_cast<std::int32_t>(text.size())};
}

}  // namespace

std::string compose_nfc(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  const icu::Normalizer2* nfc = icu::Normalizer2::getNFCInstance(error);
  CHECK(U_SUCCESS(error));  // its data is inside the library
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  nfc->normalizeUTF8(0, piece_of(text), sink, nullptr, error);
  CHECK(U_SUCCESS(error));
  return out;
}

std::string to_upper(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  icu::CaseMap::utf8ToUpper("", 0, piece_of(text), sink, nullptr, error);
  CHECK(U_SUCCESS(error));
  return out;
}

std::string to_lower(std::string_view text) {
  UErrorCode error = U_ZERO_ERROR;
  std::string out;
  icu::StringByteSink<std::string> sink(&out);
  icu::CaseMap::utf8ToLower("", 0, piece_of(text), sink, nullptr, error);
  CHECK(U_SUCCESS(error));
  return out;
}

}  // namespace mneme
