// SPDX-License-Identifier: Apache-2.0
// Products of woven weights with packed activations. Weaving lays kLanes rows side by side, block
// by block: scales of all rows (f16), then their minima if any, then their bytes, four of a row at
// a time, then their fifth bits if any. A vector then holds one place of every row, sums need no
// folding, and memory is read in one stream. The copy has the size of the original, rows rounded up
// to kLanes.

template <DType E>
constexpr std::int64_t woven_block_bytes() {
  return kLanes * block_bytes<E>();
}

// Fifth bits as products take them: those of values 4 w + k and 4 w + k + 16 are bits w and w + 4
// of byte k.
MNEME_INLINE std::uint32_t weave_fifths(std::uint32_t bits) {
  std::uint32_t woven = 0;
  for (int i = 0; i < 32; ++i) {
    const int to = i % 4 * 8 + i / 4 % 4 + i / 16 * 4;
    woven |= (bits >> i & 1u) << to;
  }
  return woven;
}

template <DType E>
void weave(const KernelTensor& weight, std::int64_t tile, unsigned char* to) {
  constexpr std::int64_t kHeader = has_minimum<E>() ? 4 : 2;
  constexpr std::int64_t kWords = code_bits<E>() == 8 ? 8 : 4;
  for (std::int64_t b = 0; b < weight.cols / 32; ++b, to += woven_block_bytes<E>()) {
    for (std::int64_t lane = 0; lane < kLanes; ++lane) {
      const std::int64_t row = tile * kLanes + lane;
      if (row >= weight.rows) break;  // the copy began as zeros, which are zeros of every type
      const unsigned char* from = weight.data + row * weight.stride + b * block_bytes<E>();
      for (std::int64_t i = 0; i < kHeader; i += 2) {
        std::memcpy(to + i * kLanes + lane * 2, from + i, 2);
      }
      const auto put_word = [&](std::int64_t word, std::uint32_t four) {
        std::memcpy(to + (kHeader + word * 4) * kLanes + lane * 4, &four, sizeof four);
      };
      for (std::int64_t word = 0; word < kWords; ++word) {
        std::uint32_t four;
        std::memcpy(&four, from + codes_at<E>() + word * 4, sizeof four);
        if constexpr (code_bits<E>() == 8) four ^= kEightBitFlip;
        put_word(word, four);
      }
      if constexpr (code_bits<E>() == 5) put_word(kWords, weave_fifths(fifth_bits<E>(from)));
    }
  }
}

// Outputs of N tokens from t on, for the rows of one tile.
template <DType E, int N>
MNEME_INLINE void woven_tokens(const KernelArgs& args, const unsigned char* tile, std::int64_t t,
                               std::int64_t first_row, std::int64_t rows) {
  // Rows of packed activations lie one stride apart: a base for every three keeps the addresses of
  // all N in few registers.
  const std::int64_t stride = args.in[3].stride;
  const std::int64_t blocks = args.in[1].cols / 32;
  const unsigned char* bases[(N + 2) / 3];
  for (int n = 0; n < N; n += 3) bases[n / 3] = row_bytes_of(args.in[3], t + n);
  Vec sums[N];
  for (int n = 0; n < N; ++n) sums[n] = bias_of(floats_of(args.in[2]), first_row, rows, 0);
  for (std::int64_t block = 0; block < blocks; ++block, tile += woven_block_bytes<E>()) {
    if constexpr (N == 1) prefetch(tile, woven_block_bytes<E>());
    const std::int64_t b = block % 4;
    const std::int64_t at = block / 4 * static_cast<std::int64_t>(sizeof(PackedGroup));
    IntVec products[N];
    for (int n = 0; n < N; ++n) products[n] = i_zero();
    const auto multiply = [&](IntVec w, std::int64_t place) __attribute__((always_inline)) {
      for (int n = 0; n < N; ++n) {
        const unsigned char* x = bases[n / 3] + (n % 3) * stride + at + b * 16 + place;
        products[n] = i_dot<E>(products[n], w, i_set(x));
      }
    };
    const unsigned char* words = tile + (has_minimum<E>() ? 4 : 2) * kLanes;
    IntVec fifths = i_zero();  // bit 4 of a byte is the next of its values
    if constexpr (code_bits<E>() == 5) fifths = i_load(words + 4 * kLanes * 4);
    for (int word = 0; word < 4; ++word) {
      const IntVec w = i_load(words + word * kLanes * 4);
      if constexpr (code_bits<E>() == 8) {
        multiply(w, word * 4);
        multiply(i_load(words + (4 + word) * kLanes * 4), 64 + word * 4);
      } else {
        IntVec low = i_low_nibbles(w);
        IntVec high = i_high_nibbles(w);
        if constexpr (code_bits<E>() == 5) {
          low = i_or(low, i_bit_4(i_shift_left<4>(fifths)));
          high = i_or(high, i_bit_4(fifths));
          fifths = i_shift_right<1>(fifths);
        }
        multiply(low, word * 4);
        multiply(high, 64 + word * 4);
      }
    }
    const Vec scale = v_load_half_n(tile, kLanes);
    const Vec minimum = has_minimum<E>() ? v_load_half_n(tile + 2 * kLanes, kLanes)
                                         : v_mul(scale, v_set(-zero_code<E>()));
    for (int n = 0; n < N; ++n) {
      const auto* x = reinterpret_cast<const PackedGroup*>(bases[n / 3] + (n % 3) * stride + at);
      sums[n] = v_fma(i_to_float(products[n]), v_mul(scale, v_set(x->scales[b])), sums[n]);
      if (adds_sums<E>()) sums[n] = v_fma(minimum, v_set(x->scaled_sums[b]), sums[n]);
    }
  }
  for (int n = 0; n < N; ++n) {
    v_store_n(row_of(args.out, t + n) + first_row, sums[n], rows);
  }
}

// All tiles for some tokens, then for the next: of a step of many tokens the activations do not fit
// into the caches, the tiles of a piece do.
template <DType E, int N>
void woven_rows_tokens(const KernelArgs& args, std::int64_t t, std::int64_t begin,
                       std::int64_t end) {
  for (std::int64_t o = begin; o < end; o += kLanes) {
    const unsigned char* tile = args.in[4].data + o / kLanes * args.in[4].stride;
    woven_tokens<E, N>(args, tile, t, o, end - o < kLanes ? end - o : kLanes);
  }
}

template <DType E>
void matmul_woven(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                  std::int64_t end) {
  std::int64_t t = 0;
  for (; t + kIntTokens <= step.rows; t += kIntTokens) {
    woven_rows_tokens<E, kIntTokens>(args, t, begin, end);
  }
  for (; t + 4 <= step.rows; t += 4) woven_rows_tokens<E, 4>(args, t, begin, end);
  for (; t < step.rows; ++t) woven_rows_tokens<E, 1>(args, t, begin, end);
}
