// SPDX-License-Identifier: Apache-2.0
// Eight floats (AVX2, FMA, F16C).

using Vec = __m256;
constexpr std::int64_t kLanes = 8;

alignas(64) constexpr std::int32_t kLaneMasks[16] = {-1, -1, -1, -1, -1, -1, -1, -1,
                                                     0,  0,  0,  0,  0,  0,  0,  0};

MNEME_INLINE __m256i v_mask(std::int64_t n) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(kLaneMasks + (n >= 8 ? 0 : 8 - n)));
}
MNEME_INLINE Vec v_set(float x) {
  return _mm256_set1_ps(x);
}
MNEME_INLINE Vec v_load(const float* p) {
  return _mm256_loadu_ps(p);
}
MNEME_INLINE void v_store(float* p, Vec x) {
  _mm256_storeu_ps(p, x);
}
MNEME_INLINE Vec v_load_n(const float* p, std::int64_t n) {
  return n >= 8 ? _mm256_loadu_ps(p) : _mm256_maskload_ps(p, v_mask(n));
}
MNEME_INLINE void v_store_n(float* p, Vec x, std::int64_t n) {
  if (n >= 8) {
    _mm256_storeu_ps(p, x);
  } else {
    _mm256_maskstore_ps(p, v_mask(n), x);
  }
}
MNEME_INLINE Vec v_load_half(const unsigned char* p) {
  return _mm256_cvtph_ps(_mm_loadu_si128(reinterpret_cast<const __m128i*>(p)));
}
MNEME_INLINE Vec v_load_bfloat(const unsigned char* p) {
  const __m128i stored = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(stored), 16));
}
MNEME_INLINE __m128i v_load_u16_n(const unsigned char* p, std::int64_t n) {
  if (n >= 8) return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
  alignas(16) std::uint16_t part[8] = {};
  std::memcpy(part, p, static_cast<std::size_t>(n & 7) * 2);
  return _mm_load_si128(reinterpret_cast<const __m128i*>(part));
}
MNEME_INLINE Vec v_load_half_n(const unsigned char* p, std::int64_t n) {
  return _mm256_cvtph_ps(v_load_u16_n(p, n));
}
MNEME_INLINE void v_store_half_n(unsigned char* p, Vec x, std::int64_t n) {
  const __m128i halves = _mm256_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT);
  std::memcpy(p, &halves, static_cast<std::size_t>(n >= 8 ? 8 : n) * 2);
}
MNEME_INLINE Vec v_load_bfloat_n(const unsigned char* p, std::int64_t n) {
  return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(v_load_u16_n(p, n)), 16));
}
MNEME_INLINE __m128i v_bytes(const unsigned char* p) {
  return _mm_loadl_epi64(reinterpret_cast<const __m128i*>(p));
}
MNEME_INLINE Vec v_load_i8(const unsigned char* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepi8_epi32(v_bytes(p)));
}
MNEME_INLINE Vec v_load_low_nibbles(const unsigned char* p) {
  return _mm256_cvtepi32_ps(_mm256_cvtepu8_epi32(_mm_and_si128(v_bytes(p), _mm_set1_epi8(15))));
}
MNEME_INLINE Vec v_load_high_nibbles(const unsigned char* p) {
  return _mm256_cvtepi32_ps(_mm256_srli_epi32(_mm256_cvtepu8_epi32(v_bytes(p)), 4));
}
MNEME_INLINE Vec v_add(Vec a, Vec b) {
  return _mm256_add_ps(a, b);
}
MNEME_INLINE Vec v_mul(Vec a, Vec b) {
  return _mm256_mul_ps(a, b);
}
MNEME_INLINE Vec v_div(Vec a, Vec b) {
  return _mm256_div_ps(a, b);
}
MNEME_INLINE Vec v_fma(Vec a, Vec b, Vec c) {
  return _mm256_fmadd_ps(a, b, c);
}
MNEME_INLINE Vec v_max(Vec a, Vec b) {
  return _mm256_max_ps(a, b);
}
MNEME_INLINE float v_highest(Vec x) {
  __m128 m = _mm_max_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  m = _mm_max_ps(m, _mm_movehl_ps(m, m));
  return _mm_cvtss_f32(_mm_max_ss(m, _mm_movehdup_ps(m)));
}
MNEME_INLINE float v_sum(Vec x) {
  __m128 s = _mm_add_ps(_mm256_castps256_ps128(x), _mm256_extractf128_ps(x, 1));
  s = _mm_add_ps(s, _mm_movehl_ps(s, s));
  return _mm_cvtss_f32(_mm_add_ss(s, _mm_movehdup_ps(s)));
}

MNEME_INLINE Vec v_abs(Vec x) {
  return _mm256_andnot_ps(v_set(-0.0f), x);
}

// As in simd_avx512.inl.
MNEME_INLINE void v_round_32(const float* values, signed char* first, signed char* second,
                             std::int32_t* sums) {
  __m128i halves[2];
  for (int i = 0; i < 2; ++i) {
    const __m256i a = _mm256_cvtps_epi32(_mm256_loadu_ps(values + 16 * i));
    const __m256i b = _mm256_cvtps_epi32(_mm256_loadu_ps(values + 16 * i + 8));
    const __m256i words = _mm256_permute4x64_epi64(_mm256_packs_epi32(a, b), 0xd8);
    halves[i] = _mm_packs_epi16(_mm256_castsi256_si128(words), _mm256_extracti128_si256(words, 1));
  }
  _mm_storeu_si128(reinterpret_cast<__m128i*>(first), halves[0]);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(second), halves[1]);
  const __m128i ones = _mm_set1_epi8(1);
  const __m128i pairs =
      _mm_add_epi16(_mm_maddubs_epi16(ones, halves[0]), _mm_maddubs_epi16(ones, halves[1]));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sums), _mm_madd_epi16(pairs, _mm_set1_epi16(1)));
}

// As in simd_avx512.inl; the power of two is built in the exponent bits in two halves, since k may
// reach 128.
MNEME_INLINE Vec v_exp(Vec x) {
  x = _mm256_min_ps(v_set(88.7f), _mm256_max_ps(v_set(-87.3f), x));
  const Vec k = _mm256_round_ps(_mm256_mul_ps(x, v_set(1.44269504f)),
                                _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  Vec r = _mm256_fnmadd_ps(k, v_set(0.693359375f), x);
  r = _mm256_fnmadd_ps(k, v_set(-2.12194440e-4f), r);
  Vec p = v_set(1.0f / 5040);
  p = v_fma(p, r, v_set(1.0f / 720));
  p = v_fma(p, r, v_set(1.0f / 120));
  p = v_fma(p, r, v_set(1.0f / 24));
  p = v_fma(p, r, v_set(1.0f / 6));
  p = v_fma(p, r, v_set(0.5f));
  p = v_fma(p, r, v_set(1.0f));
  p = v_fma(p, r, v_set(1.0f));
  const __m256i whole = _mm256_cvtps_epi32(k);
  const __m256i half = _mm256_srai_epi32(whole, 1);
  const __m256i bias = _mm256_set1_epi32(127);
  const __m256i one = _mm256_slli_epi32(_mm256_add_epi32(half, bias), 23);
  const __m256i two = _mm256_slli_epi32(_mm256_add_epi32(_mm256_sub_epi32(whole, half), bias), 23);
  return v_mul(v_mul(p, _mm256_castsi256_ps(one)), _mm256_castsi256_ps(two));
}

// Eight rows of eight 32-bit values become columns.
MNEME_INLINE void transpose_8x8(__m256i* r) {
  __m256i t[8];
  for (int i = 0; i < 4; ++i) {
    t[2 * i] = _mm256_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm256_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 2; ++i) {
    r[4 * i] = _mm256_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm256_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm256_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm256_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm256_permute2x128_si256(r[i], r[4 + i], 0x20);
    t[4 + i] = _mm256_permute2x128_si256(r[i], r[4 + i], 0x31);
  }
  for (int i = 0; i < 8; ++i) r[i] = t[i];
}

// Eight rows become columns.
MNEME_INLINE void v_transpose(Vec* rows) {
  __m256i r[8];
  for (int i = 0; i < 8; ++i) r[i] = _mm256_castps_si256(rows[i]);
  transpose_8x8(r);
  for (int i = 0; i < 8; ++i) rows[i] = _mm256_castsi256_ps(r[i]);
}

MNEME_INLINE void transpose(float* to, std::int64_t to_stride, const float* from,
                            std::int64_t from_stride) {
  Vec rows[8];
  for (int i = 0; i < 8; ++i) rows[i] = v_load(from + i * from_stride);
  v_transpose(rows);
  for (int i = 0; i < 8; ++i) v_store(to + i * to_stride, rows[i]);
}

// The sums of eight vectors, in their order.
MNEME_INLINE Vec v_fold(const float* vectors) {
  Vec fours[2];
  for (int i = 0; i < 2; ++i) {
    const float* p = vectors + 32 * i;
    fours[i] = _mm256_hadd_ps(_mm256_hadd_ps(v_load(p), v_load(p + 8)),
                              _mm256_hadd_ps(v_load(p + 16), v_load(p + 24)));
  }
  return v_add(_mm256_permute2f128_ps(fours[0], fours[1], 0x20),
               _mm256_permute2f128_ps(fours[0], fours[1], 0x31));
}
