// SPDX-License-Identifier: Apache-2.0
// Integer products with AVX-512 VBMI (bytes of four blocks are gathered by one permute) and VNNI.

using IntVec = __m512i;
constexpr int kIntTokens = 12;  // sums and products of 12 tokens: 24 of 32 registers

MNEME_INLINE IntVec i_zero() {
  return _mm512_setzero_si512();
}
MNEME_INLINE IntVec i_load(const unsigned char* p) {
  return _mm512_loadu_si512(p);
}
MNEME_INLINE IntVec i_set(const unsigned char* p) {
  std::int32_t four;
  std::memcpy(&four, p, sizeof four);
  return _mm512_set1_epi32(four);
}
MNEME_INLINE Vec i_to_float(IntVec x) {
  return _mm512_cvtepi32_ps(x);
}

MNEME_INLINE IntVec i_low_nibbles(IntVec x) {
  return _mm512_and_si512(x, _mm512_set1_epi8(15));
}
MNEME_INLINE IntVec i_high_nibbles(IntVec x) {
  return i_low_nibbles(_mm512_srli_epi16(x, 4));
}
MNEME_INLINE IntVec i_or(IntVec a, IntVec b) {
  return _mm512_or_si512(a, b);
}
MNEME_INLINE IntVec i_add(IntVec a, IntVec b) {
  return _mm512_add_epi32(a, b);
}
MNEME_INLINE IntVec i_bit_4(IntVec x) {
  return _mm512_and_si512(x, _mm512_set1_epi8(16));
}
MNEME_INLINE IntVec i_bits_4_5(IntVec x) {
  return _mm512_and_si512(x, _mm512_set1_epi8(0x30));
}
// Bits move across the bytes of a pair: what is kept must not come from the other one.
template <int Bits>
MNEME_INLINE IntVec i_shift_left(IntVec x) {
  return _mm512_slli_epi16(x, Bits);
}
template <int Bits>
MNEME_INLINE IntVec i_shift_right(IntVec x) {
  return _mm512_srli_epi16(x, Bits);
}
constexpr std::uint32_t kEightBitFlip = 0x80808080u;  // makes signed bytes unsigned, 128 larger

template <DType E>
MNEME_INLINE IntVec i_dot(IntVec sum, IntVec weights, IntVec x) {
  return _mm512_dpbusd_epi32(sum, weights, x);
}

template <DType E>
constexpr bool adds_sums() {  // of activations, times the minimum or the code of zero
  return true;                // bytes become unsigned, 128 larger
}

// Where the second of two overlapping 64-byte loads begins, so that both stay inside four blocks.
template <DType E>
constexpr std::int64_t second_load() {
  return 4 * block_bytes<E>() - 64;
}

struct GatherTable {
  alignas(64) unsigned char nibbles[64];  // of four blocks, out of both loads
  alignas(64) unsigned char fifths[64];   // of all blocks' first halves, then second, then unused
  alignas(64) std::uint16_t scales[32];   // four times each block's scale, then unused
  alignas(64) std::uint16_t minima[32];   // each block's minimum, then unused
};

template <DType E>
constexpr GatherTable gather_table() {
  GatherTable table{};
  const int bytes = static_cast<int>(block_bytes<E>());
  const int codes = static_cast<int>(codes_at<E>());
  // Where a byte of the four blocks is in both loads, the second counted from 64 on.
  const auto loaded = [](int at) {
    return at < 64 ? at : 64 + at - static_cast<int>(second_load<E>());
  };
  for (int i = 0; i < 64; ++i) {
    table.nibbles[i] = static_cast<unsigned char>(loaded(i / 16 * bytes + codes + i % 16));
  }
  for (int i = 0; i < 16; ++i) {
    const int at = i / 2 % 4 * bytes + codes - 4 + i / 8 * 2 + i % 2;
    table.fifths[i] = static_cast<unsigned char>(loaded(at));
    table.scales[i] = static_cast<std::uint16_t>(loaded(i / 4 * bytes) / 2);
  }
  for (int i = 0; i < 4; ++i) {
    table.minima[i] = static_cast<std::uint16_t>(loaded(i * bytes + 2) / 2);
  }
  return table;
}

template <DType E>
constexpr GatherTable kGather = gather_table<E>();

// Four blocks of one row (fewer at its end: the rest reads as zero).
struct WeightGroup {
  __m512i first;  // unsigned bytes, as PackedGroup::values
  __m512i second;
  __m512 scales;  // of each lane's block
  __m128 minima;  // of each block, if any
};

template <DType E>
MNEME_INLINE WeightGroup load_nibbles(const unsigned char* p, __mmask64 mask,
                                      __mmask64 mask_second) {
  const __m512i a = _mm512_maskz_loadu_epi8(mask, p);
  const __m512i b = _mm512_maskz_loadu_epi8(mask_second, p + second_load<E>());
  const __m512i nibbles = _mm512_permutex2var_epi8(a, _mm512_load_si512(kGather<E>.nibbles), b);
  const __m512i low = _mm512_set1_epi8(15);
  WeightGroup w;
  w.first = _mm512_and_si512(nibbles, low);
  w.second = _mm512_and_si512(_mm512_srli_epi16(nibbles, 4), low);
  if constexpr (code_bits<E>() == 5) {
    const __m128i fifths = _mm512_castsi512_si128(
        _mm512_permutex2var_epi8(a, _mm512_load_si512(kGather<E>.fifths), b));
    const auto first = static_cast<__mmask64>(_mm_cvtsi128_si64(fifths));
    const auto second = static_cast<__mmask64>(_mm_extract_epi64(fifths, 1));
    const __m512i fifth = _mm512_set1_epi8(16);
    w.first = _mm512_mask_add_epi8(w.first, first, w.first, fifth);
    w.second = _mm512_mask_add_epi8(w.second, second, w.second, fifth);
  }
  w.scales = _mm512_cvtph_ps(_mm512_castsi512_si256(
      _mm512_permutex2var_epi16(a, _mm512_load_si512(kGather<E>.scales), b)));
  w.minima = has_minimum<E>() ? _mm_cvtph_ps(_mm512_castsi512_si128(_mm512_permutex2var_epi16(
                                    a, _mm512_load_si512(kGather<E>.minima), b)))
                              : _mm_setzero_ps();
  return w;
}

MNEME_INLINE WeightGroup load_eight_bit(const unsigned char* p, std::int64_t blocks) {
  __m128i first[4];
  __m128i second[4];
  std::uint16_t scales[4];
  for (int b = 0; b < 4; ++b) {
    const unsigned char* block = p + 34 * b;
    const bool there = b < blocks;
    scales[b] = there ? load_u16(block) : 0;
    first[b] = there ? v_bytes(block + 2) : _mm_setzero_si128();
    second[b] = there ? v_bytes(block + 18) : _mm_setzero_si128();
  }
  const auto join = [](const __m128i* x) __attribute__((always_inline)) {
    const __m256i low = _mm256_inserti128_si256(_mm256_castsi128_si256(x[0]), x[1], 1);
    const __m256i high = _mm256_inserti128_si256(_mm256_castsi128_si256(x[2]), x[3], 1);
    return _mm512_xor_si512(_mm512_inserti64x4(_mm512_castsi256_si512(low), high, 1),
                            _mm512_set1_epi8(-128));
  };
  std::uint64_t four;
  std::memcpy(&four, scales, sizeof four);
  const __m512i lane_block = _mm512_setr_epi32(0, 0, 0, 0, 1, 1, 1, 1, 2, 2, 2, 2, 3, 3, 3, 3);
  WeightGroup w;
  w.first = join(first);
  w.second = join(second);
  const __m128 scale = _mm_cvtph_ps(_mm_cvtsi64_si128(static_cast<long long>(four)));
  w.scales = _mm512_permutexvar_ps(lane_block, _mm512_castps128_ps512(scale));
  w.minima = _mm_setzero_ps();
  return w;
}

template <DType E>
MNEME_INLINE WeightGroup load_group(const unsigned char* p) {
  if constexpr (code_bits<E>() == 8) return load_eight_bit(p, 4);
  return load_nibbles<E>(p, ~__mmask64{0}, ~__mmask64{0});
}

template <DType E>
MNEME_INLINE WeightGroup load_partial_group(const unsigned char* p, std::int64_t blocks) {
  if constexpr (code_bits<E>() == 8) return load_eight_bit(p, blocks);
  const auto first_bytes = [](std::int64_t bytes) {
    if (bytes <= 0) return __mmask64{0};
    return bytes < 64 ? (__mmask64{1} << bytes) - 1 : ~__mmask64{0};
  };
  const std::int64_t bytes = blocks * block_bytes<E>();
  return load_nibbles<E>(p, first_bytes(bytes), first_bytes(bytes - second_load<E>()));
}

template <DType E>
MNEME_INLINE void unpack_group(const unsigned char* p, std::int64_t blocks, unsigned char* bytes,
                               float* scales, float* minima) {
  const WeightGroup w = blocks == 4 ? load_group<E>(p) : load_partial_group<E>(p, blocks);
  _mm512_store_si512(bytes, w.first);
  _mm512_store_si512(bytes + 64, w.second);
  alignas(64) float lanes[16];
  _mm512_store_ps(lanes, w.scales);
  if constexpr (has_minimum<E>()) _mm_storeu_ps(minima, w.minima);
  for (int b = 0; b < 4; ++b) {
    scales[b] = lanes[b * 4];
    if constexpr (!has_minimum<E>()) minima[b] = -zero_code<E>() * scales[b];
  }
}

template <DType E>
MNEME_INLINE void add_products(const WeightGroup& w, const PackedGroup& x, __m512& sum,
                               __m128& minima_sum) {
  // Without a minimum the products start at minus the code of zero times the activations' sum.
  __m512i products = _mm512_setzero_si512();
  if constexpr (!has_minimum<E>()) {
    products = _mm512_slli_epi32(_mm512_loadu_si512(x.minus_sums), code_bits<E>() - 1);
  }
  products = _mm512_dpbusd_epi32(products, w.first, _mm512_loadu_si512(x.values[0]));
  products = _mm512_dpbusd_epi32(products, w.second, _mm512_loadu_si512(x.values[1]));
  const __m512 scales = _mm512_mul_ps(w.scales, _mm512_loadu_ps(x.lane_scales));
  sum = _mm512_fmadd_ps(_mm512_cvtepi32_ps(products), scales, sum);
  if constexpr (has_minimum<E>()) {
    minima_sum = _mm_fmadd_ps(w.minima, _mm_loadu_ps(x.scaled_sums), minima_sum);
  }
}

// R rows from `row` on times one token, one row after the other: memory is then read in one stream,
// which the processor foresees, and the rows still overlap in its window.
template <DType E, int R>
MNEME_INLINE void rows_int(const KernelTensor& weight, std::int64_t row, const PackedGroup* x,
                           float* out) {
  const std::int64_t blocks = weight.cols / 32;
  for (int r = 0; r < R; ++r) {
    const unsigned char* p = weight.data + (row + r) * weight.stride;
    __m512 sum = _mm512_setzero_ps();
    __m128 minima_sum = _mm_setzero_ps();
    std::int64_t g = 0;
    for (; g < blocks / 4; ++g, p += 4 * block_bytes<E>()) {
      prefetch(p, 4 * block_bytes<E>());
      add_products<E>(load_group<E>(p), x[g], sum, minima_sum);
    }
    if (blocks % 4) {
      add_products<E>(load_partial_group<E>(p, blocks % 4), x[g], sum, minima_sum);
    }
    out[r] = _mm512_reduce_add_ps(_mm512_add_ps(sum, _mm512_zextps128_ps512(minima_sum)));
  }
}
