// SPDX-License-Identifier: Apache-2.0
// Woven copies of Q4_K, Q5_K and Q6_K weights, block of 32 by block of 32, kLanes rows side by
// side. Scales become f16 of what the pairs of 6 or 8 bits and the f16 of 256 values multiply to:
// an error of 2^-12, a tenth of what 8-bit activations cost. Q4_K then is what Q4_1 is. The others
// have six bits a value: two f16 (Q5_K: scale and minimum; Q6_K: the scales of both halves), four
// words of nibbles as in Q4_1, two words of high bit pairs.

constexpr std::int64_t kSixBlockBytes = 4 + 16 + 8;
constexpr int kSixTokens = kIntTokens / 2;  // two products a token

std::int64_t woven_stride(DType element, std::int64_t cols) {
  const std::int64_t blocks = cols / 32;
  switch (element) {
#define X(name, id, ...) \
  case DType::id:        \
    return blocks * woven_block_bytes<DType::id>();
    MNEME_BLOCK_TYPES(X)
#undef X
    case DType::q4_k:
      return blocks * woven_block_bytes<DType::q4_1>();
    case DType::q5_k:
    case DType::q6_k:
      return blocks * kLanes * kSixBlockBytes;
    default:
      return 0;
  }
}

MNEME_INLINE void put_half(unsigned char* to, float value) {
  const auto bits = static_cast<std::uint16_t>(
      _mm_cvtsi128_si32(_mm_cvtps_ph(_mm_set_ss(value), _MM_FROUND_TO_NEAREST_INT)));
  std::memcpy(to, &bits, sizeof bits);
}

// Block `b` of 32 in `from` as one lane of a woven block.
MNEME_INLINE void weave_k_block(DType element, const SuperBlock& from, int b, std::int64_t lane,
                                unsigned char* to) {
  const unsigned char* values = from.values + b * 32;
  const float second = element == DType::q6_k ? from.scales[2 * b + 1] : from.minima[2 * b];
  put_half(to + lane * 2, from.scales[2 * b]);
  put_half(to + 2 * kLanes + lane * 2, second);
  for (int i = 0; i < 16; ++i) {
    to[(4 + i / 4 * 4) * kLanes + lane * 4 + i % 4] =
        static_cast<unsigned char>((values[i] & 15) | (values[i + 16] & 15) << 4);
  }
  if (element == DType::q4_k) return;
  for (int i = 0; i < 16; ++i) {  // of words 2j in the low half of a byte, of 2j + 1 in the high
    const int pairs = (values[i] >> 4) | (values[i + 16] >> 4) << 2;
    unsigned char& byte = to[(20 + i / 8 * 4) * kLanes + lane * 4 + i % 4];
    byte = static_cast<unsigned char>(byte | pairs << (i / 4 % 2 * 4));
  }
}

void weave_k(const KernelTensor& weight, std::int64_t tile, unsigned char* to) {
  const DType element = weight.element;
  const std::int64_t block_bytes = woven_stride(element, 32);
  SuperBlock block;
  for (std::int64_t lane = 0; lane < kLanes; ++lane) {
    const std::int64_t row = tile * kLanes + lane;
    if (row >= weight.rows) break;  // the copy began as zeros, which are zeros of every type
    const unsigned char* from = weight.data + row * weight.stride;
    for (std::int64_t at = 0; at < weight.cols / 256; ++at, from += info_of(element).block_bytes) {
      unpack_super_block(element, from, block);
      for (int b = 0; b < 8; ++b) {
        weave_k_block(element, block, b, lane, to + (at * 8 + b) * block_bytes);
      }
    }
  }
}

// An item is a tile of kLanes rows of in[1]; out is the woven copy.
void weave_tiles(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
                 unsigned char*) {
  for (std::int64_t tile = begin; tile < end; ++tile) {
    unsigned char* to = args.out.data + tile * args.out.stride;
    switch (args.in[1].element) {
#define X(name, id, ...)                    \
  case DType::id:                           \
    weave<DType::id>(args.in[1], tile, to); \
    break;
      MNEME_BLOCK_TYPES(X)
#undef X
      default:
        weave_k(args.in[1], tile, to);
        break;
    }
  }
}

// Two bits of every byte, from bit `Shift` on, as its bits 4 and 5.
template <int Shift>
MNEME_INLINE IntVec i_high_pair(IntVec x) {
  return i_bits_4_5(Shift < 4 ? i_shift_left<4 - Shift>(x) : i_shift_right<Shift - 4>(x));
}

// Outputs of N tokens from t on, for the rows of one tile.
template <DType E, int N>
MNEME_INLINE void six_bit_tokens(const KernelArgs& args, const unsigned char* tile, std::int64_t t,
                                 std::int64_t first_row, std::int64_t rows) {
  const std::int64_t blocks = args.in[1].cols / 32;
  const unsigned char* bases[N];
  for (int n = 0; n < N; ++n) bases[n] = row_bytes_of(args.in[3], t + n);
  Vec sums[N];
  for (int n = 0; n < N; ++n) sums[n] = bias_of(floats_of(args.in[2]), first_row, rows, 0);
  for (std::int64_t block = 0; block < blocks; ++block, tile += kLanes * kSixBlockBytes) {
    if constexpr (N == 1) prefetch(tile, kLanes * kSixBlockBytes);
    const std::int64_t b = block % 4;
    const std::int64_t at = block / 4 * static_cast<std::int64_t>(sizeof(PackedGroup));
    IntVec halves[N][2];
    for (int n = 0; n < N; ++n) halves[n][0] = halves[n][1] = i_zero();
    const auto multiply = [&](int word, IntVec low, IntVec high) __attribute__((always_inline)) {
      for (int n = 0; n < N; ++n) {
        const unsigned char* x = bases[n] + at + b * 16 + word * 4;
        halves[n][0] = i_dot<E>(halves[n][0], low, i_set(x));
        halves[n][1] = i_dot<E>(halves[n][1], high, i_set(x + 64));
      }
    };
    for (int two = 0; two < 2; ++two) {
      const IntVec pairs = i_load(tile + (20 + two * 4) * kLanes);
      const IntVec even = i_load(tile + (4 + two * 8) * kLanes);
      const IntVec odd = i_load(tile + (8 + two * 8) * kLanes);
      multiply(two * 2, i_or(i_low_nibbles(even), i_high_pair<0>(pairs)),
               i_or(i_high_nibbles(even), i_high_pair<2>(pairs)));
      multiply(two * 2 + 1, i_or(i_low_nibbles(odd), i_high_pair<4>(pairs)),
               i_or(i_high_nibbles(odd), i_high_pair<6>(pairs)));
    }
    const Vec first = v_load_half_n(tile, kLanes);
    const Vec second = v_load_half_n(tile + 2 * kLanes, kLanes);
    for (int n = 0; n < N; ++n) {
      const auto* x = reinterpret_cast<const PackedGroup*>(bases[n] + at);
      const Vec scale = v_set(x->scales[b]);
      if constexpr (E == DType::q6_k) {
        sums[n] = v_fma(i_to_float(halves[n][0]), v_mul(first, scale), sums[n]);
        sums[n] = v_fma(i_to_float(halves[n][1]), v_mul(second, scale), sums[n]);
        const float sum = x->first_scaled_sums[b];
        sums[n] = v_fma(first, v_set(-32.0f * sum), sums[n]);
        sums[n] = v_fma(second, v_set(-32.0f * (x->scaled_sums[b] - sum)), sums[n]);
      } else {
        const Vec products = i_to_float(i_add(halves[n][0], halves[n][1]));
        sums[n] = v_fma(products, v_mul(first, scale), sums[n]);
        sums[n] = v_fma(second, v_set(x->scaled_sums[b]), sums[n]);
      }
    }
  }
  for (int n = 0; n < N; ++n) {
    v_store_n(row_of(args.out, t + n) + first_row, sums[n], rows);
  }
}

// As woven_rows_tokens.
template <DType E, int N>
void six_bit_rows_tokens(const KernelArgs& args, std::int64_t t, std::int64_t begin,
                         std::int64_t end) {
  for (std::int64_t o = begin; o < end; o += kLanes) {
    const unsigned char* tile = args.in[4].data + o / kLanes * args.in[4].stride;
    six_bit_tokens<E, N>(args, tile, t, o, end - o < kLanes ? end - o : kLanes);
  }
}

template <DType E>
void matmul_six_bits(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                     std::int64_t end) {
  std::int64_t t = 0;
  for (; t + kSixTokens <= step.rows; t += kSixTokens) {
    six_bit_rows_tokens<E, kSixTokens>(args, t, begin, end);
  }
  for (; t < step.rows; ++t) six_bit_rows_tokens<E, 1>(args, t, begin, end);
}
