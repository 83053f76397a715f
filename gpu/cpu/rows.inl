// SPDX-License-Identifier: Apache-2.0
// Where rows lie, and what the stored numbers mean.

MNEME_INLINE unsigned char* row_bytes_of(const KernelTensor& x, std::int64_t row) {
  return x.data + row * x.stride;
}

MNEME_INLINE float* row_of(const KernelTensor& x, std::int64_t row) {
  return reinterpret_cast<float*>(row_bytes_of(x, row));
}

// The run that a row belongs to.
MNEME_INLINE const KernelRun& run_of(const KernelStep& step, std::int64_t row) {
  const KernelRun* run = step.runs;
  while (row >= run->first + run->rows) ++run;
  return *run;
}

// A sequence's part of a state: row p is its position p.
MNEME_INLINE KernelTensor part_of(const KernelTensor& state, const KernelRun& run) {
  KernelTensor part = state;
  part.data += run.sequence * state.rows * state.stride;
  return part;
}

MNEME_INLINE std::int64_t position_of(const KernelRun& run, std::int64_t row) {
  return run.position + row - run.first;
}

MNEME_INLINE const float* floats_of(const KernelTensor& constant) {
  return reinterpret_cast<const float*>(constant.data);
}

// Asks for the `bytes` bytes that lie kAhead behind p. What is read in one stream the processor
// foresees only to the end of a page of 4 KiB; anything from 2 to 8 KiB ahead is as fast.
constexpr std::int64_t kAhead = 4096;

MNEME_INLINE void prefetch(const unsigned char* p, std::int64_t bytes) {
  for (std::int64_t at = 0; at < bytes; at += 64) __builtin_prefetch(p + kAhead + at);
}

MNEME_INLINE float dot(const float* a, const float* b, std::int64_t n) {
  Vec sum[4] = {v_set(0), v_set(0), v_set(0), v_set(0)};
  std::int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int k = 0; k < 4; ++k) {
      sum[k] = v_fma(v_load(a + i + k * kLanes), v_load(b + i + k * kLanes), sum[k]);
    }
  }
  for (; i < n; i += kLanes) sum[0] = v_fma(v_load_n(a + i, n - i), v_load_n(b + i, n - i), sum[0]);
  return v_sum(v_add(v_add(sum[0], sum[1]), v_add(sum[2], sum[3])));
}

// cap * tanh(x / cap); cap 0: x
MNEME_INLINE float soft_cap(float x, float cap) {
  return cap > 0 ? cap * std::tanh(x / cap) : x;
}

// 1 / root mean square, as every norm here needs it.
MNEME_INLINE float norm_scale(const float* x, std::int64_t n, float eps) {
  return 1.0f / std::sqrt(dot(x, x, n) / static_cast<float>(n) + eps);
}

// Blocks of 32 values, as gpu/weight_types.h lays them out.
template <DType E>
constexpr std::int64_t block_bytes() {
  return info_of(E).block_bytes;
}
template <DType E>
constexpr int code_bits() {
  return info_of(E).bits;
}
template <DType E>
constexpr bool has_minimum() {
  return info_of(E).has_minimum;
}
// Where the codes begin, or the low four bits of them.
template <DType E>
constexpr std::int64_t codes_at() {
  return block_bytes<E>() - (code_bits<E>() == 8 ? 32 : 16);
}
// The code of zero, of types without a minimum, if all codes are taken as unsigned: those of eight
// bits are signed.
template <DType E>
constexpr int zero_code() {
  return 1 << (code_bits<E>() - 1);
}

// The fifth bits of a block, of value i as bit i.
template <DType E>
MNEME_INLINE std::uint32_t fifth_bits(const unsigned char* block) {
  std::uint32_t bits;
  std::memcpy(&bits, block + codes_at<E>() - 4, sizeof bits);
  return bits;
}

template <DType E>
MNEME_INLINE Vec load_codes(const unsigned char* block, std::int64_t i) {
  const unsigned char* codes = block + codes_at<E>();
  if constexpr (code_bits<E>() == 8) return v_load_i8(codes + i);
  if constexpr (code_bits<E>() == 5) {
    unsigned char whole[kLanes];
    const std::uint32_t fifths = fifth_bits<E>(block) >> i;
    for (std::int64_t k = 0; k < kLanes; ++k) {
      const int low = i < 16 ? codes[i + k] & 15 : codes[i + k - 16] >> 4;
      whole[k] = static_cast<unsigned char>(low | (fifths >> k & 1) << 4);
    }
    return v_load_i8(whole);
  }
  return i < 16 ? v_load_low_nibbles(codes + i) : v_load_high_nibbles(codes + i - 16);
}

template <DType E>
void decode_blocks(const unsigned char* row, std::int64_t cols, float* out) {
  for (std::int64_t b = 0; b < cols / 32; ++b, row += block_bytes<E>(), out += 32) {
    const Vec scale = v_set(half_bits_to_float(load_u16(row)));
    for (std::int64_t i = 0; i < 32; i += kLanes) {
      Vec codes = load_codes<E>(row, i);
      if constexpr (!has_minimum<E>() && code_bits<E>() != 8) {
        codes = v_add(codes, v_set(-zero_code<E>()));
      }
      Vec values = v_mul(codes, scale);
      if constexpr (has_minimum<E>()) {
        values = v_add(values, v_set(half_bits_to_float(load_u16(row + 2))));
      }
      v_store(out + i, values);
    }
  }
}

// One row of any weight type as floats; tensor.cpp's dequantize_row is the same definition.
void decode_row(DType element, const unsigned char* row, std::int64_t cols, float* out) {
  switch (element) {
    case DType::f32:
      std::memcpy(out, row, static_cast<std::size_t>(cols) * 4);
      return;
    case DType::f16:
      for (std::int64_t i = 0; i < cols; i += kLanes) {
        v_store_n(out + i, v_load_half_n(row + 2 * i, cols - i), cols - i);
      }
      return;
    case DType::bf16:
      for (std::int64_t i = 0; i < cols; i += kLanes) {
        v_store_n(out + i, v_load_bfloat_n(row + 2 * i, cols - i), cols - i);
      }
      return;
#define X(name, id, ...) \
  case DType::id:        \
    return decode_blocks<DType::id>(row, cols, out);
      MNEME_BLOCK_TYPES(X)
#undef X
#define X(name, id, ...) case DType::id:
      MNEME_K_QUANT_TYPES(X)
#undef X
      return decode_k_row(element, row, cols, out);
    case DType::i8:
    case DType::i32:
      return;  // not a weight type; refused at compile()
  }
}
