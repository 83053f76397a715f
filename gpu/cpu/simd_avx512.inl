// SPDX-License-Identifier: Apache-2.0
// Sixteen floats (AVX-512 F, BW, DQ, VL).

using Vec = __m512;
constexpr std::int64_t kLanes = 16;

MNEME_INLINE __mmask16 v_mask(std::int64_t n) {
  return n >= 16 ? static_cast<__mmask16>(0xffff) : static_cast<__mmask16>((1u << n) - 1);
}
MNEME_INLINE Vec v_set(float x) {
  return _mm512_set1_ps(x);
}
MNEME_INLINE Vec v_load(const float* p) {
  return _mm512_loadu_ps(p);
}
MNEME_INLINE void v_store(float* p, Vec x) {
  _mm512_storeu_ps(p, x);
}
MNEME_INLINE Vec v_load_n(const float* p, std::int64_t n) {
  return _mm512_maskz_loadu_ps(v_mask(n), p);
}
MNEME_INLINE void v_store_n(float* p, Vec x, std::int64_t n) {
  _mm512_mask_storeu_ps(p, v_mask(n), x);
}
MNEME_INLINE Vec v_load_half(const unsigned char* p) {
  return _mm512_cvtph_ps(_mm256_loadu_si256(reinterpret_cast<const __m256i*>(p)));
}
MNEME_INLINE Vec v_load_bfloat(const unsigned char* p) {
  const __m256i stored = _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(stored), 16));
}
MNEME_INLINE Vec v_load_half_n(const unsigned char* p, std::int64_t n) {
  return _mm512_cvtph_ps(_mm256_maskz_loadu_epi16(v_mask(n), p));
}
MNEME_INLINE void v_store_half_n(unsigned char* p, Vec x, std::int64_t n) {
  _mm256_mask_storeu_epi16(p, v_mask(n), _mm512_cvtps_ph(x, _MM_FROUND_TO_NEAREST_INT));
}
MNEME_INLINE Vec v_load_bfloat_n(const unsigned char* p, std::int64_t n) {
  const __m512i wide = _mm512_cvtepu16_epi32(_mm256_maskz_loadu_epi16(v_mask(n), p));
  return _mm512_castsi512_ps(_mm512_slli_epi32(wide, 16));
}
MNEME_INLINE __m128i v_bytes(const unsigned char* p) {
  return _mm_loadu_si128(reinterpret_cast<const __m128i*>(p));
}
MNEME_INLINE Vec v_load_i8(const unsigned char* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepi8_epi32(v_bytes(p)));
}
MNEME_INLINE Vec v_load_low_nibbles(const unsigned char* p) {
  return _mm512_cvtepi32_ps(_mm512_cvtepu8_epi32(_mm_and_si128(v_bytes(p), _mm_set1_epi8(15))));
}
MNEME_INLINE Vec v_load_high_nibbles(const unsigned char* p) {
  return _mm512_cvtepi32_ps(_mm512_srli_epi32(_mm512_cvtepu8_epi32(v_bytes(p)), 4));
}
MNEME_INLINE Vec v_add(Vec a, Vec b) {
  return _mm512_add_ps(a, b);
}
MNEME_INLINE Vec v_mul(Vec a, Vec b) {
  return _mm512_mul_ps(a, b);
}
MNEME_INLINE Vec v_div(Vec a, Vec b) {
  return _mm512_div_ps(a, b);
}
MNEME_INLINE Vec v_fma(Vec a, Vec b, Vec c) {
  return _mm512_fmadd_ps(a, b, c);
}
// Forgets a NaN: a sum of what is multiplied by zero tells whether there was one.
MNEME_INLINE Vec v_max(Vec a, Vec b) {
  return _mm512_max_ps(a, b);
}
MNEME_INLINE float v_highest(Vec x) {
  return _mm512_reduce_max_ps(x);
}
MNEME_INLINE float v_sum(Vec x) {
  return _mm512_reduce_add_ps(x);
}

MNEME_INLINE Vec v_abs(Vec x) {
  return _mm512_abs_ps(x);
}

// Rounds 32 floats within +-127 to bytes, 16 to each place; sums[l] is of the bytes 4l..4l+3 of
// both.
MNEME_INLINE void v_round_32(const float* values, signed char* first, signed char* second,
                             std::int32_t* sums) {
  const __m128i a = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_loadu_ps(values)));
  const __m128i b = _mm512_cvtepi32_epi8(_mm512_cvtps_epi32(_mm512_loadu_ps(values + 16)));
  _mm_storeu_si128(reinterpret_cast<__m128i*>(first), a);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(second), b);
  const __m128i ones = _mm_set1_epi8(1);
  const __m128i sum = _mm_dpbusd_epi32(_mm_dpbusd_epi32(_mm_setzero_si128(), ones, a), ones, b);
  _mm_storeu_si128(reinterpret_cast<__m128i*>(sums), sum);
}

// 2^k times a polynomial of the rest, |rest| <= ln(2) / 2; two units in the last place. Below -87
// the result is at most 1e-38, above 88 it is capped near the largest float. A NaN stays one: min and max
// give their second operand where one is NaN.
MNEME_INLINE Vec v_exp(Vec x) {
  x = _mm512_min_ps(v_set(88.7f), _mm512_max_ps(v_set(-87.3f), x));
  const Vec k = _mm512_roundscale_ps(_mm512_mul_ps(x, v_set(1.44269504f)),
                                     _MM_FROUND_TO_NEAREST_INT | _MM_FROUND_NO_EXC);
  Vec r = _mm512_fnmadd_ps(k, v_set(0.693359375f), x);
  r = _mm512_fnmadd_ps(k, v_set(-2.12194440e-4f), r);
  Vec p = v_set(1.0f / 5040);
  p = v_fma(p, r, v_set(1.0f / 720));
  p = v_fma(p, r, v_set(1.0f / 120));
  p = v_fma(p, r, v_set(1.0f / 24));
  p = v_fma(p, r, v_set(1.0f / 6));
  p = v_fma(p, r, v_set(0.5f));
  p = v_fma(p, r, v_set(1.0f));
  p = v_fma(p, r, v_set(1.0f));
  return _mm512_scalef_ps(p, k);
}

// Sixteen rows of sixteen 32-bit values become columns.
MNEME_INLINE void transpose_16x16(__m512i* r) {
  __m512i t[16];
  for (int i = 0; i < 8; ++i) {
    t[2 * i] = _mm512_unpacklo_epi32(r[2 * i], r[2 * i + 1]);
    t[2 * i + 1] = _mm512_unpackhi_epi32(r[2 * i], r[2 * i + 1]);
  }
  for (int i = 0; i < 4; ++i) {
    r[4 * i] = _mm512_unpacklo_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 1] = _mm512_unpackhi_epi64(t[4 * i], t[4 * i + 2]);
    r[4 * i + 2] = _mm512_unpacklo_epi64(t[4 * i + 1], t[4 * i + 3]);
    r[4 * i + 3] = _mm512_unpackhi_epi64(t[4 * i + 1], t[4 * i + 3]);
  }
  for (int i = 0; i < 4; ++i) {
    t[i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0x88);
    t[4 + i] = _mm512_shuffle_i32x4(r[i], r[4 + i], 0xdd);
    t[8 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0x88);
    t[12 + i] = _mm512_shuffle_i32x4(r[8 + i], r[12 + i], 0xdd);
  }
  for (int i = 0; i < 4; ++i) {
    r[i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0x88);
    r[8 + i] = _mm512_shuffle_i32x4(t[i], t[8 + i], 0xdd);
    r[4 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0x88);
    r[12 + i] = _mm512_shuffle_i32x4(t[4 + i], t[12 + i], 0xdd);
  }
}

// Sixteen rows become columns.
MNEME_INLINE void v_transpose(Vec* rows) {
  __m512i r[16];
  for (int i = 0; i < 16; ++i) r[i] = _mm512_castps_si512(rows[i]);
  transpose_16x16(r);
  for (int i = 0; i < 16; ++i) rows[i] = _mm512_castsi512_ps(r[i]);
}

MNEME_INLINE void transpose(float* to, std::int64_t to_stride, const float* from,
                            std::int64_t from_stride) {
  Vec rows[16];
  for (int i = 0; i < 16; ++i) rows[i] = v_load(from + i * from_stride);
  v_transpose(rows);
  for (int i = 0; i < 16; ++i) v_store(to + i * to_stride, rows[i]);
}

// The sums of sixteen vectors, in their order.
MNEME_INLINE Vec v_fold(const float* vectors) {
  Vec pairs[8];
  for (int i = 0; i < 8; ++i) {
    const Vec a = v_load(vectors + 32 * i);
    const Vec b = v_load(vectors + 32 * i + 16);
    pairs[i] = v_add(_mm512_unpacklo_ps(a, b), _mm512_unpackhi_ps(a, b));
  }
  Vec fours[4];
  for (int i = 0; i < 4; ++i) {
    const __m512d a = _mm512_castps_pd(pairs[2 * i]);
    const __m512d b = _mm512_castps_pd(pairs[2 * i + 1]);
    fours[i] = v_add(_mm512_castpd_ps(_mm512_unpacklo_pd(a, b)),
                     _mm512_castpd_ps(_mm512_unpackhi_pd(a, b)));
  }
  const auto halve = [](Vec a, Vec b) __attribute__((always_inline)) {
    return v_add(_mm512_shuffle_f32x4(a, b, 0x88), _mm512_shuffle_f32x4(a, b, 0xdd));
  };
  return halve(halve(fours[0], fours[1]), halve(fours[2], fours[3]));
}
