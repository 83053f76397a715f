// SPDX-License-Identifier: Apache-2.0
#include "inference/text/characters.h"

#include <unicode/uchar.h>

#include <cstdint>

namespace mneme {
namespace {

UChar32 of(char32_t code) {
  return static_cast<UChar32>(code);
}

UNumericType numeric_type(char32_t code) {
  return static_cast<UNumericType>(u_getIntPropertyValue(of(code), UCHAR_NUMERIC_TYPE));
}

}  // namespace

bool is_letter(char32_t code) {
  return (U_GET_GC_MASK(of(code)) & U_GC_L_MASK) != 0;
}
bool is_decimal(char32_t code) {
  return numeric_type(code) == U_NT_DECIMAL;
}
bool is_digit(char32_t code) {
  return numeric_type(code) == U_NT_DECIMAL || numeric_type(code) == U_NT_DIGIT;
}
bool is_numeric(char32_t code) {
  return numeric_type(code) != U_NT_NONE;
}
bool is_upper(char32_t code) {
  return u_hasBinaryProperty(of(code), UCHAR_UPPERCASE) != 0;
}
bool is_lower(char32_t code) {
  return u_hasBinaryProperty(of(code), UCHAR_LOWERCASE) != 0;
}
bool is_title(char32_t code) {
  return u_charType(of(code)) == U_TITLECASE_LETTER;
}
bool is_printable(char32_t code) {
  constexpr std::uint32_t kHidden = U_GC_C_MASK | U_GC_Z_MASK;
  return code == ' ' || (U_GET_GC_MASK(of(code)) & kHidden) == 0;
}
bool is_id_start(char32_t code) {
  return code == '_' || u_hasBinaryProperty(of(code), UCHAR_XID_START) != 0;
}
bool is_id_part(char32_t code) {
  return u_hasBinaryProperty(of(code), UCHAR_XID_CONTINUE) != 0;
}

std::uint8_t category_bits(char32_t code) {
  const std::uint32_t category = U_GET_GC_MASK(of(code));
  if ((category & U_GC_LL_MASK) != 0) return kLowerCase;
  if ((category & (U_GC_LU_MASK | U_GC_LT_MASK)) != 0) return kUpperCase;
  if ((category & U_GC_L_MASK) != 0) return kOtherLetter;
  if ((category & U_GC_M_MASK) != 0) return kMark;
  if ((category & U_GC_N_MASK) != 0) return kNumber;
  if ((category & U_GC_P_MASK) != 0) return kPunctuation;
  if ((category & U_GC_S_MASK) != 0) return kSymbol;
  const bool white =
      (category & U_GC_Z_MASK) != 0 || (code >= '\t' && code <= '\r') || code == 0x85;
  return white ? kWhiteSpace : 0;
}

}  // namespace mneme
