// SPDX-License-Identifier: Apache-2.0
// Keys and values are written to their states, and read from them.

void kv_append(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
               unsigned char*) {
  for (std::int64_t t = begin; t < end; ++t) {
    const KernelRun& run = run_of(step, t);
    for (int which = 0; which < 2; ++which) {
      const float* x = row_of(args.in[which], t);
      const KernelTensor state = part_of(args.in[2 + which], run);
      unsigned char* row = row_bytes_of(state, position_of(run, t));
      for (std::int64_t i = 0; i < state.cols; i += kLanes) {
        const Vec value = v_load_n(x + i, state.cols - i);
        if (state.element == DType::f16) {
          v_store_half_n(row + 2 * i, value, state.cols - i);
        } else {
          v_store_n(reinterpret_cast<float*>(row) + i, value, state.cols - i);
        }
      }
    }
  }
}

MNEME_INLINE Vec load_state_n(const KernelTensor& state, const unsigned char* row, std::int64_t i,
                              std::int64_t n) {
  if (state.element == DType::f16) return v_load_half_n(row + 2 * i, n);
  return v_load_n(reinterpret_cast<const float*>(row) + i, n);
}

constexpr float kNothing = -1e30f;  // a score below every other, and finite

// The first position that attention sees from the token behind `length` - 1 others.
MNEME_INLINE std::int64_t first_seen(const KernelArgs& args, std::int64_t length) {
  const std::int64_t window = args.params.attention.window;
  return window > 0 && length > window ? length - window : 0;
}

// `count` scores, softly capped where the op says so.
MNEME_INLINE void cap_scores(const KernelArgs& args, float* scores, std::int64_t count) {
  const float cap = args.params.attention.cap;
  if (cap == 0) return;
  for (std::int64_t k = 0; k < count; ++k) scores[k] = soft_cap(scores[k], cap);
}
