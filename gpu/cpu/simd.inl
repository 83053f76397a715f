// SPDX-License-Identifier: Apache-2.0
// The numbers that files hold, and a vector of floats of this instruction set (simd_*.inl) in the
// few operations the kernels need. `n` in *_n functions is how many values are left (any positive
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

#if defined(__AVX512F__)
#include "gpu/cpu/simd_avx512.inl"
#elif defined(__AVX2__)
#include "gpu/cpu/simd_avx2.inl"
#else
#include "gpu/cpu/simd_scalar.inl"
#endif

// x / (1 + e^y)
MNEME_INLINE Vec v_over_one_plus_exp(Vec x, Vec y) {
  return v_div(x, v_add(v_set(1.0f), v_exp(y)));
}
MNEME_INLINE Vec v_silu(Vec x) {
  return v_over_one_plus_exp(x, v_mul(x, v_set(-1.0f)));
}
MNEME_INLINE Vec v_gelu_tanh(Vec x) {
  const Vec cubic = v_fma(v_mul(v_mul(x, x), v_set(0.044715f)), x, x);
  return v_over_one_plus_exp(x, v_mul(cubic, v_set(-1.5957691216f)));  // -2 sqrt(2 / pi)
}
