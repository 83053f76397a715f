// SPDX-License-Identifier: Apache-2.0
// Integer products with AVX2: bytes are multiplied in pairs to 16 bits. Unsigned bytes above 127
// would overflow there, so eight-bit weights stay signed and lend their sign to the activations.

using IntVec = __m256i;
constexpr int kIntTokens = 4;  // sums and products of 4 tokens leave registers for the signs

MNEME_INLINE IntVec i_zero() {
  return _mm256_setzero_si256();
}
MNEME_INLINE IntVec i_load(const unsigned char* p) {
  return _mm256_loadu_si256(reinterpret_cast<const __m256i*>(p));
}
MNEME_INLINE IntVec i_set(const unsigned char* p) {
  std::int32_t four;
  std::memcpy(&four, p, sizeof four);
  return _mm256_set1_epi32(four);
}
MNEME_INLINE Vec i_to_float(IntVec x) {
  return _mm256_cvtepi32_ps(x);
}

MNEME_INLINE IntVec i_low_nibbles(IntVec x) {
  return _mm256_and_si256(x, _mm256_set1_epi8(15));
}
MNEME_INLINE IntVec i_high_nibbles(IntVec x) {
  return i_low_nibbles(_mm256_srli_epi16(x, 4));
}
MNEME_INLINE IntVec i_or(IntVec a, IntVec b) {
  return _mm256_or_si256(a, b);
}
MNEME_INLINE IntVec i_add(IntVec a, IntVec b) {
  return _mm256_add_epi32(a, b);
}
MNEME_INLINE IntVec i_bit_4(IntVec x) {
  return _mm256_and_si256(x, _mm256_set1_epi8(16));
}
MNEME_INLINE IntVec i_bits_4_5(IntVec x) {
  return _mm256_and_si256(x, _mm256_set1_epi8(0x30));
}
// Bits move across the bytes of a pair: what is kept must not come from the other one.
template <int Bits>
MNEME_INLINE IntVec i_shift_left(IntVec x) {
  return _mm256_slli_epi16(x, Bits);
}
template <int Bits>
MNEME_INLINE IntVec i_shift_right(IntVec x) {
  return _mm256_srli_epi16(x, Bits);
}
constexpr std::uint32_t kEightBitFlip = 0;  // signed bytes stay signed

template <DType E>
MNEME_INLINE IntVec i_dot(IntVec sum, IntVec weights, IntVec x) {
  const __m256i pairs = code_bits<E>() == 8 ? _mm256_maddubs_epi16(_mm256_abs_epi8(weights),
                                                                   _mm256_sign_epi8(x, weights))
                                            : _mm256_maddubs_epi16(weights, x);
  return _mm256_add_epi32(sum, _mm256_madd_epi16(pairs, _mm256_set1_epi16(1)));
}

template <DType E>
constexpr bool adds_sums() {  // of activations, times the minimum or the code of zero
  return code_bits<E>() != 8;
}

// Bit i as bit 4 of byte i.
MNEME_INLINE __m256i spread_fifths(std::uint32_t bits) {
  const __m256i which_byte =
      _mm256_setr_epi64x(0, 0x0101010101010101, 0x0202020202020202, 0x0303030303030303);
  const __m256i which_bit = _mm256_set1_epi64x(static_cast<long long>(0x8040201008040201u));
  const __m256i bytes = _mm256_shuffle_epi8(_mm256_set1_epi32(static_cast<int>(bits)), which_byte);
  const __m256i set = _mm256_cmpeq_epi8(_mm256_and_si256(bytes, which_bit), which_bit);
  return _mm256_and_si256(set, _mm256_set1_epi8(16));
}

// One block: its 32 bytes, first half low.
template <DType E>
MNEME_INLINE __m256i load_block(const unsigned char* p) {
  if constexpr (code_bits<E>() == 8) return i_load(p + codes_at<E>());
  const __m128i nibbles = _mm_loadu_si128(reinterpret_cast<const __m128i*>(p + codes_at<E>()));
  const __m256i both =
      _mm256_inserti128_si256(_mm256_castsi128_si256(nibbles), _mm_srli_epi16(nibbles, 4), 1);
  const __m256i low = _mm256_and_si256(both, _mm256_set1_epi8(15));
  if constexpr (code_bits<E>() == 5) return _mm256_or_si256(low, spread_fifths(fifth_bits<E>(p)));
  return low;
}

MNEME_INLINE float half_at(const unsigned char* p) {
  return _mm_cvtss_f32(_mm_cvtph_ps(_mm_cvtsi32_si128(load_u16(p))));
}

template <DType E>
MNEME_INLINE float minimum_of(const unsigned char* p, float scale) {
  if constexpr (has_minimum<E>()) return half_at(p + 2);
  return code_bits<E>() == 8 ? 0.0f : -zero_code<E>() * scale;
}

template <DType E>
MNEME_INLINE void unpack_group(const unsigned char* p, std::int64_t blocks, unsigned char* bytes,
                               float* scales, float* minima) {
  for (std::int64_t b = 0; b < 4; ++b, p += block_bytes<E>()) {
    const __m256i block = b < blocks ? load_block<E>(p) : i_zero();
    scales[b] = b < blocks ? half_at(p) : 0.0f;
    minima[b] = b < blocks ? minimum_of<E>(p, scales[b]) : 0.0f;
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + b * 16), _mm256_castsi256_si128(block));
    _mm_storeu_si128(reinterpret_cast<__m128i*>(bytes + 64 + b * 16),
                     _mm256_extracti128_si256(block, 1));
  }
}

// R rows from `row` on times one token.
template <DType E, int R>
MNEME_INLINE void rows_int(const KernelTensor& weight, std::int64_t row, const PackedGroup* x,
                           float* out) {
  const unsigned char* p = weight.data + row * weight.stride;
  const std::int64_t blocks = weight.cols / 32;
  Vec sums[R];
  float minima_sums[R] = {};
  for (int r = 0; r < R; ++r) sums[r] = v_set(0);
  for (std::int64_t b = 0; b < blocks; ++b, p += block_bytes<E>()) {
    const PackedGroup& group = x[b / 4];
    const __m256i values = _mm256_inserti128_si256(
        _mm256_castsi128_si256(
            _mm_loadu_si128(reinterpret_cast<const __m128i*>(group.values[0] + b % 4 * 16))),
        _mm_loadu_si128(reinterpret_cast<const __m128i*>(group.values[1] + b % 4 * 16)), 1);
    for (int r = 0; r < R; ++r) {
      const unsigned char* block = p + r * weight.stride;
      prefetch(block, block_bytes<E>());
      const float scale = half_at(block);
      const __m256i products = i_dot<E>(i_zero(), load_block<E>(block), values);
      sums[r] = v_fma(i_to_float(products), v_set(scale * group.scales[b % 4]), sums[r]);
      if (adds_sums<E>()) minima_sums[r] += minimum_of<E>(block, scale) * group.scaled_sums[b % 4];
    }
  }
  for (int r = 0; r < R; ++r) out[r] = v_sum(sums[r]) + minima_sums[r];
}
