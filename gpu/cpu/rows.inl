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

// One row of any weight type as floats; tensor.cpp's dequantize_row is the same definition.
void decode_row(Element element, const unsigned char* row, std::int64_t cols, float* out) {
  switch (element) {
    case Element::f32:
      std::memcpy(out, row, static_cast<std::size_t>(cols) * 4);
      return;
    case Element::f16:
      for (std::int64_t i = 0; i < cols; i += kLanes) {
        v_store_n(out + i, v_load_half_n(row + 2 * i, cols - i), cols - i);
      }
      return;
    case Element::bf16:
      for (std::int64_t i = 0; i < cols; i += kLanes) {
        v_store_n(out + i, v_load_bfloat_n(row + 2 * i, cols - i), cols - i);
      }
      return;
    case Element::q8_0:
      for (std::int64_t b = 0; b < cols / 32; ++b, row += 34, out += 32) {
        const Vec scale = v_set(half_bits_to_float(load_u16(row)));
        for (std::int64_t i = 0; i < 32; i += kLanes) {
          v_store(out + i, v_mul(v_load_i8(row + 2 + i), scale));
        }
      }
      return;
    case Element::q4_0:
      for (std::int64_t b = 0; b < cols / 32; ++b, row += 18, out += 32) {
        const Vec scale = v_set(half_bits_to_float(load_u16(row)));
        for (std::int64_t i = 0; i < 16; i += kLanes) {
          v_store(out + i, v_mul(v_add(v_load_low_nibbles(row + 2 + i), v_set(-8.0f)), scale));
          v_store(out + 16 + i,
                  v_mul(v_add(v_load_high_nibbles(row + 2 + i), v_set(-8.0f)), scale));
        }
      }
      return;
    case Element::q4_1:
      for (std::int64_t b = 0; b < cols / 32; ++b, row += 20, out += 32) {
        const Vec scale = v_set(half_bits_to_float(load_u16(row)));
        const Vec minimum = v_set(half_bits_to_float(load_u16(row + 2)));
        for (std::int64_t i = 0; i < 16; i += kLanes) {
          v_store(out + i, v_add(v_mul(v_load_low_nibbles(row + 4 + i), scale), minimum));
          v_store(out + 16 + i, v_add(v_mul(v_load_high_nibbles(row + 4 + i), scale), minimum));
        }
      }
      return;
    case Element::q4_k:
    case Element::q5_k:
    case Element::q6_k:
      return decode_k_row(element, row, cols, out);
    case Element::i8:
    case Element::i32:
      return;  // not a weight type; refused at compile()
  }
}
