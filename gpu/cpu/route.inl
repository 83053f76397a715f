// SPDX-License-Identifier: Apache-2.0
// The choice of experts, and the sum of what they made.

// Numbers in the order of what they stand for; a NaN above all of them, nothing below 1.
MNEME_INLINE std::uint32_t order_of(float x) {
  const float value = x + 0.0f;  // -0 is 0
  std::uint32_t bits;
  std::memcpy(&bits, &value, sizeof bits);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return 0xffffffffu;
  return bits & 0x80000000u ? ~bits : bits | 0x80000000u;
}

// The first of the highest.
MNEME_INLINE std::int64_t highest_of(const std::uint32_t* orders, std::int64_t n) {
  std::int64_t best = 0;
  for (std::int64_t i = 1; i < n; ++i) {
    if (orders[i] > orders[best]) best = i;
  }
  return best;
}

MNEME_INLINE void scores_of(const float* logits, std::int64_t n, int scoring, float* scores) {
  if (scoring == kSoftmax) {
    float highest = logits[0];
    for (std::int64_t i = 1; i < n; ++i) highest = logits[i] > highest ? logits[i] : highest;
    float sum = 0;
    for (std::int64_t i = 0; i < n; ++i) sum += scores[i] = std::exp(logits[i] - highest);
    for (std::int64_t i = 0; i < n; ++i) scores[i] /= sum;
    return;
  }
  for (std::int64_t i = 0; i < n; ++i) {
    const float x = logits[i];
    scores[i] = scoring == kSigmoid ? 1.0f / (1.0f + std::exp(-x))
                                    : std::sqrt(x > 20 ? x : std::log1p(std::exp(x)));
  }
}

std::int64_t route_scratch(const KernelArgs& args) {
  return args.in[0].cols * 16;
}

// Leaves the order of experts in the kept groups only; `sums`: room for the groups' and one's own.
MNEME_INLINE void keep_groups(const RouteParams& p, std::int64_t experts, const float* choice,
                              std::uint32_t* orders, std::uint32_t* sums) {
  const std::int64_t size = experts / p.groups;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    std::uint32_t* group = orders + g * size;
    float sum = 0;
    for (int k = 0; k < p.group_best; ++k) {
      const std::int64_t best = highest_of(group, size);
      sum += choice[g * size + best];
      group[best] = 0;
    }
    for (std::int64_t i = 0; i < size; ++i) group[i] = order_of(choice[g * size + i]);
    sums[g] = order_of(sum);
  }
  for (int k = 0; k < p.groups_kept; ++k) sums[highest_of(sums, p.groups)] = 0;
  for (std::int64_t g = 0; g < p.groups; ++g) {
    if (sums[g] == 0) continue;
    for (std::int64_t i = 0; i < size; ++i) orders[g * size + i] = 0;
  }
}

void route(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
           unsigned char* scratch) {
  const RouteParams& p = args.params.route;
  const std::int64_t n = args.in[0].cols;
  const float* bias = floats_of(args.in[1]);
  float* scores = reinterpret_cast<float*>(scratch);
  float* choice = scores + n;  // what experts are chosen by
  auto* orders = reinterpret_cast<std::uint32_t*>(choice + n);
  for (std::int64_t t = begin; t < end; ++t) {
    scores_of(row_of(args.in[0], t), n, p.scoring, scores);
    for (std::int64_t i = 0; i < n; ++i) {
      choice[i] = bias ? scores[i] + bias[i] : scores[i];
      orders[i] = order_of(choice[i]);
    }
    if (p.groups_kept < p.groups) keep_groups(p, n, choice, orders, orders + n);
    auto* ids = reinterpret_cast<std::int32_t*>(row_of(args.out, t));
    float* weights = row_of(args.out2, t);
    float sum = 0;
    for (int k = 0; k < p.experts; ++k) {
      const std::int64_t best = highest_of(orders, n);
      const bool is_nan = orders[best] == 0xffffffffu;
      orders[best] = 0;
      ids[k] = static_cast<std::int32_t>(best);
      weights[k] = is_nan ? choice[best] : scores[best];
      sum += weights[k];
    }
    const float by = p.normalise ? p.scale / (sum + 1e-20f) : p.scale;
    for (int k = 0; k < p.experts; ++k) weights[k] *= by;
  }
}

void weighted_sum(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
                  unsigned char*) {
  const std::int64_t n = args.out.cols;
  const std::int64_t parts = args.in[1].cols;
  for (std::int64_t t = begin; t < end; ++t) {
    const float* x = row_of(args.in[0], t);
    const float* weights = row_of(args.in[1], t);
    float* out = row_of(args.out, t);
    for (std::int64_t i = 0; i < n; i += kLanes) {
      Vec sum = v_set(0);
      for (std::int64_t k = 0; k < parts; ++k) {
        sum = v_fma(v_load_n(x + k * n + i, n - i), v_set(weights[k]), sum);
      }
      v_store_n(out + i, sum, n - i);
    }
  }
}
