// SPDX-License-Identifier: Apache-2.0
// One float at a time: the reference.

using Vec = float;
constexpr std::int64_t kLanes = 1;

MNEME_INLINE Vec v_set(float x) {
  return x;
}
MNEME_INLINE Vec v_load(const float* p) {
  return *p;
}
MNEME_INLINE void v_store(float* p, Vec x) {
  *p = x;
}
MNEME_INLINE Vec v_load_n(const float* p, std::int64_t) {
  return *p;
}
MNEME_INLINE void v_store_n(float* p, Vec x, std::int64_t) {
  *p = x;
}
MNEME_INLINE Vec v_load_half_n(const unsigned char* p, std::int64_t) {
  return half_bits_to_float(load_u16(p));
}
MNEME_INLINE void v_store_half_n(unsigned char* p, Vec x, std::int64_t) {
  const std::uint16_t bits = float_to_half_bits(x);
  std::memcpy(p, &bits, sizeof bits);
}
MNEME_INLINE Vec v_load_bfloat_n(const unsigned char* p, std::int64_t) {
  return bfloat_bits_to_float(load_u16(p));
}
MNEME_INLINE Vec v_load_i8(const unsigned char* p) {
  return static_cast<float>(static_cast<signed char>(*p));
}
MNEME_INLINE Vec v_load_low_nibbles(const unsigned char* p) {
  return static_cast<float>(*p & 15);
}
MNEME_INLINE Vec v_load_high_nibbles(const unsigned char* p) {
  return static_cast<float>(*p >> 4);
}
MNEME_INLINE Vec v_add(Vec a, Vec b) {
  return a + b;
}
MNEME_INLINE Vec v_mul(Vec a, Vec b) {
  return a * b;
}
MNEME_INLINE Vec v_div(Vec a, Vec b) {
  return a / b;
}
MNEME_INLINE Vec v_fma(Vec a, Vec b, Vec c) {
  return a * b + c;
}
MNEME_INLINE float v_sum(Vec x) {
  return x;
}
MNEME_INLINE Vec v_exp(Vec x) {
  return std::exp(x);
}
