// SPDX-License-Identifier: Apache-2.0
// A vector of floats of this instruction set, in the few operations the kernels need. Included
// inside an anonymous namespace. `n` in *_n functions is how many values are left (any positive
// number); lanes at and beyond n read as 0 and are not written.

#define MNEME_INLINE inline __attribute__((always_inline))

MNEME_INLINE float bits_to_float(std::uint32_t bits) {
  float value;
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

MNEME_INLINE std::uint16_t load_u16(const unsigned char* p) {
  std::uint16_t value;
  std::memcpy(&value, p, sizeof value);
  return value;
}

MNEME_INLINE float half_bits_to_float(std::uint16_t bits) {
  const std::uint32_t sign = static_cast<std::uint32_t>(bits & 0x8000u) << 16;
  const std::uint32_t exponent = (bits >> 10) & 0x1fu;
  const std::uint32_t mantissa = bits & 0x3ffu;
  if (exponent == 0x1f) return bits_to_float(sign | 0x7f800000u | (mantissa << 13));
  if (exponent == 0) {
    const float value = static_cast<float>(mantissa) * 0x1p-24f;
    return sign ? -value : value;
  }
  return bits_to_float(sign | ((exponent + 112u) << 23) | (mantissa << 13));
}

MNEME_INLINE std::uint16_t float_to_half_bits(float value) {
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  const std::uint16_t sign = static_cast<std::uint16_t>((bits >> 16) & 0x8000u);
  const std::uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<std::uint16_t>(sign | 0x7e00u);
  if (magnitude >= 0x477ff000u) return static_cast<std::uint16_t>(sign | 0x7c00u);
  if (magnitude < 0x38800000u) {  // subnormal half: float addition rounds to its last bit
    const float shifted = bits_to_float(magnitude) + 0.5f;
    std::uint32_t shifted_bits;
    std::memcpy(&shifted_bits, &shifted, sizeof shifted_bits);
    return static_cast<std::uint16_t>(sign | (shifted_bits - 0x3f000000u));
  }
  const std::uint32_t rounded = magnitude + 0xfffu + ((magnitude >> 13) & 1u);
  return static_cast<std::uint16_t>(sign | ((rounded - 0x38000000u) >> 13));
}

MNEME_INLINE float bfloat_bits_to_float(std::uint16_t bits) {
  return bits_to_float(static_cast<std::uint32_t>(bits) << 16);
}

using Vec = float;
constexpr std::int64_t kLanes = 1;

MNEME_INLINE Vec v_set(float x) {
  return x;
}
MNEME_INLINE Vec v_load(const float* p) {
  return *p;
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

MNEME_INLINE Vec v_silu(Vec x) {
  return v_div(x, v_add(v_set(1.0f), v_exp(v_mul(x, v_set(-1.0f)))));
}
