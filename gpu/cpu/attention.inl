// SPDX-License-Identifier: Apache-2.0
// Keys and values: written to their states, and attended to.

void kv_append(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
               unsigned char*) {
  for (std::int64_t t = begin; t < end; ++t) {
    for (int which = 0; which < 2; ++which) {
      const float* x = row_of(args.in[which], step, t);
      const KernelTensor& state = args.in[2 + which];
      unsigned char* row = state.data + (step.position + t) * state.stride;
      for (std::int64_t i = 0; i < state.cols; i += kLanes) {
        const Vec value = v_load_n(x + i, state.cols - i);
        if (state.element == Element::f16) {
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
  if (state.element == Element::f16) return v_load_half_n(row + 2 * i, n);
  return v_load_n(reinterpret_cast<const float*>(row) + i, n);
}

std::int64_t attention_scratch(const KernelArgs& args) {
  return args.in[1].rows * 4;
}

void attention(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
               unsigned char* scratch) {
  const KernelTensor& keys = args.in[1];
  const KernelTensor& values = args.in[2];
  const std::int64_t dim = args.head_dim;
  const float scale = 1.0f / std::sqrt(static_cast<float>(dim));
  float* scores = reinterpret_cast<float*>(scratch);
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t t = first_token(args, step) + item / args.n_heads;
    const std::int64_t head = item % args.n_heads;
    const std::int64_t kv_column = head / (args.n_heads / args.n_kv_heads) * dim;
    const float* q = row_of(args.in[0], step, t) + head * dim;
    float* out = row_of(args.out, step, t) + head * dim;
    const std::int64_t length = step.position + t + 1;  // causal: itself and all before
    float highest = -INFINITY;
    for (std::int64_t p = 0; p < length; ++p) {
      Vec sum = v_set(0);
      for (std::int64_t i = 0; i < dim; i += kLanes) {
        sum = v_fma(load_state_n(keys, keys.data + p * keys.stride, kv_column + i, dim - i),
                    v_load_n(q + i, dim - i), sum);
      }
      scores[p] = v_sum(sum) * scale;
      if (scores[p] > highest) highest = scores[p];
    }
    float total = 0;
    for (std::int64_t p = 0; p < length; ++p) {
      scores[p] = std::exp(scores[p] - highest);
      total += scores[p];
    }
    for (std::int64_t i = 0; i < dim; i += kLanes) {
      Vec sum = v_set(0);
      for (std::int64_t p = 0; p < length; ++p) {
        sum = v_fma(load_state_n(values, values.data + p * values.stride, kv_column + i, dim - i),
                    v_set(scores[p]), sum);
      }
      v_store_n(out + i, v_div(sum, v_set(total)), dim - i);
    }
  }
}
