// SPDX-License-Identifier: Apache-2.0
// Attention of few tokens: the reference, and decoding. One query head at a time, its scores in a
// row of scratch. An item is a head of a token, token-major.

std::int64_t attention_scratch(const KernelArgs& args) {
  return (args.in[1].rows + kLanes) * 4;
}

// Fills scores[0..count) of the positions from `first` on with the weights of a softmax before its
// division; returns their sum.
MNEME_INLINE float weigh_keys(const KernelArgs& args, const KernelTensor& keys, const float* q,
                              std::int64_t column, std::int64_t first, std::int64_t count,
                              float* scores) {
  const std::int64_t dim = args.params.attention.head_dim;
  for (std::int64_t p = 0; p < count; ++p) {
    const unsigned char* key = keys.data + (first + p) * keys.stride;
    Vec sum = v_set(0);
    for (std::int64_t i = 0; i < dim; i += kLanes) {
      sum = v_fma(load_state_n(keys, key, column + i, dim - i), v_load_n(q + i, dim - i), sum);
    }
    scores[p] = v_sum(sum) * args.params.attention.scale;
  }
  cap_scores(args, scores, count);
  float highest = -INFINITY;
  for (std::int64_t p = 0; p < count; ++p) {
    if (scores[p] > highest) highest = scores[p];
  }
  for (std::int64_t p = count; p % kLanes; ++p) scores[p] = kNothing;
  Vec total = v_set(0);
  for (std::int64_t p = 0; p < count; p += kLanes) {
    const Vec score = v_load(scores + p);
    const Vec weight = v_exp(v_add(score, v_set(-highest)));
    v_store(scores + p, weight);
    total = v_add(total, v_fma(score, v_set(0), weight));  // NaN of an infinite score
  }
  return v_sum(total);
}

void attention(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
               unsigned char* scratch) {
  constexpr int kSide = 4;  // vectors of the output at once: hides the latency of the sums
  const AttentionParams& op = args.params.attention;
  const std::int64_t dim = op.head_dim;
  float* weights = reinterpret_cast<float*>(scratch);
  for (std::int64_t item = begin; item < end; ++item) {
    const std::int64_t t = item / op.n_heads;
    const KernelRun& run = run_of(step, t);
    const KernelTensor keys = part_of(args.in[1], run);
    const KernelTensor values = part_of(args.in[2], run);
    const std::int64_t head = item % op.n_heads;
    const std::int64_t column = head / (op.n_heads / op.n_kv_heads) * dim;
    const std::int64_t length = position_of(run, t) + 1;  // causal: itself and all before
    const std::int64_t first = first_seen(args, length);
    const std::int64_t count = length - first;
    const float total =
        weigh_keys(args, keys, row_of(args.in[0], t) + head * dim, column, first, count, weights);
    float* out = row_of(args.out, t) + head * dim;
    for (std::int64_t i = 0; i < dim; i += kSide * kLanes) {
      Vec sums[kSide] = {v_set(0), v_set(0), v_set(0), v_set(0)};
      for (std::int64_t p = 0; p < count; ++p) {
        const unsigned char* value = values.data + (first + p) * values.stride;
        const Vec weight = v_set(weights[p]);
        for (int v = 0; v < kSide; ++v) {
          const std::int64_t at = i + v * kLanes;
          if (at >= dim) break;
          sums[v] = v_fma(load_state_n(values, value, column + at, dim - at), weight, sums[v]);
        }
      }
      for (int v = 0; v < kSide && i + v * kLanes < dim; ++v) {
        v_store_n(out + i + v * kLanes, v_div(sums[v], v_set(total)), dim - i - v * kLanes);
      }
    }
  }
}

std::int64_t attention_items(const KernelArgs& args, const KernelStep& step) {
  return step.rows * args.params.attention.n_heads;
}
