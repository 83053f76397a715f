// SPDX-License-Identifier: Apache-2.0
// Attention of few tokens. The keys are split so that several threads share a token; each piece
// leaves its highest score, the sum of its weights and the weighted sum of the values of every
// head, and combine_attention puts the pieces together. Keys and values are read row by row, all
// heads of a row at once, since memory is what this waits for.

constexpr std::int64_t kSplitKeys = 64;
constexpr std::int64_t kSplitsMax = 16;
constexpr std::int64_t kValueRows = 8;  // whose sums stay in registers
constexpr int kHeadsAtOnce = 4;
#if defined(__AVX512F__)
constexpr int kValueVecs = 4;  // times four heads: 16 of 32 registers
constexpr int kKeysAtOnce = 4;
#else
constexpr int kValueVecs = 2;  // 8 of 16
constexpr int kKeysAtOnce = 2;
#endif

// Depends on the sequence's positions only, so that results do not depend on the number of threads,
// nor on the other sequences of a step.
MNEME_INLINE std::int64_t splits_of(const KernelArgs& args, const KernelRun& run) {
  const std::int64_t length = run.position + run.rows;
  const std::int64_t seen = length - first_seen(args, length);
  const std::int64_t splits = (seen + kSplitKeys - 1) / kSplitKeys;
  return splits < kSplitsMax ? splits : kSplitsMax;
}

// Of one head and split: highest score, sum of weights, then head_dim sums of values.
MNEME_INLINE std::int64_t partial_floats(const KernelArgs& args) {
  return args.params.attention.head_dim + 2;
}

// Tokens whose pieces a step may have: of sequences that bring few.
std::int64_t attention_partials(const KernelArgs& args, std::int64_t tokens,
                                std::int64_t sequences) {
  const std::int64_t few = smaller(tokens, sequences * (kFewTokens - 1));
  return few * args.params.attention.n_heads * kSplitsMax * partial_floats(args) * 4;
}

// Keys of the longest piece, in whole vectors.
MNEME_INLINE std::int64_t split_keys(const KernelArgs& args) {
  return (args.in[1].rows / kSplitsMax + kSplitKeys + kLanes) / kLanes * kLanes;
}

std::int64_t attention_few_scratch(const KernelArgs& args) {
  return args.params.attention.n_heads * (split_keys(args) + kLanes * kLanes) * 4;
}

// `token`: its number among those that have pieces.
MNEME_INLINE float* partial_of(const KernelArgs& args, const KernelTensor& partials,
                               std::int64_t token, std::int64_t head, std::int64_t split) {
  const std::int64_t index = (token * args.params.attention.n_heads + head) * kSplitsMax + split;
  return reinterpret_cast<float*>(partials.data) + index * partial_floats(args);
}

// One piece of one token.
struct Piece {
  KernelTensor key_rows;  // its sequence's
  KernelTensor value_rows;
  const float* q;  // [heads, head_dim]
  std::int64_t first;
  std::int64_t count;
  float* products;  // [heads, kLanes keys, kLanes]
  float* weights;   // [heads, keys]
  std::int64_t keys;
  float* partials;  // of head 0
  std::int64_t partials_stride;
};

// How rows of this state type are read; whole = head_dim fills vectors, so nothing is masked.
template <bool kHalf, bool kWhole>
struct Rows {
  static MNEME_INLINE Vec load(const float* p, std::int64_t left) {
    return kWhole ? v_load(p) : v_load_n(p, left);
  }
  static MNEME_INLINE void store(float* p, Vec x, std::int64_t left) {
    v_store_n(p, x, kWhole ? kLanes : left);
  }
  static MNEME_INLINE Vec load_state(const unsigned char* row, std::int64_t i, std::int64_t left) {
    if constexpr (kHalf) return v_load_half_n(row + 2 * i, kWhole ? kLanes : left);
    return load(reinterpret_cast<const float*>(row) + i, left);
  }
};

// Products of H heads with the part that they share of K keys, not yet summed; k is the place of
// the first of them among products.
template <int H, int K, class R>
MNEME_INLINE void multiply_keys(const KernelArgs& args, const Piece& piece,
                                const unsigned char* key, std::int64_t head, std::int64_t column,
                                std::int64_t k) {
  const std::int64_t stride = args.in[1].stride;
  const float* q = piece.q + head * args.params.attention.head_dim;
  Vec sums[H][K];
  for (int h = 0; h < H; ++h) {
    for (int i = 0; i < K; ++i) sums[h][i] = v_set(0);
  }
  for (std::int64_t c = 0; c < args.params.attention.head_dim; c += kLanes) {
    const std::int64_t left = args.params.attention.head_dim - c;
    Vec x[K];
    for (int i = 0; i < K; ++i) x[i] = R::load_state(key + i * stride, column + c, left);
    for (int h = 0; h < H; ++h) {
      const Vec query = R::load(q + h * args.params.attention.head_dim + c, left);
      for (int i = 0; i < K; ++i) sums[h][i] = v_fma(x[i], query, sums[h][i]);
    }
  }
  for (int h = 0; h < H; ++h) {
    float* to = piece.products + ((head + h) * kLanes + k) * kLanes;
    for (int i = 0; i < K; ++i) v_store(to + i * kLanes, sums[h][i]);
  }
}

// Adds `rows` weighted rows of values to the sums of H heads, for columns i.. of V vectors.
template <int H, int V, class R>
MNEME_INLINE void add_value_columns(const KernelArgs& args, const Piece& piece, std::int64_t start,
                                    std::int64_t rows, std::int64_t head, std::int64_t column,
                                    std::int64_t i) {
  const KernelTensor& values = piece.value_rows;
  const unsigned char* row = values.data + (piece.first + start) * values.stride;
  const float* weights = piece.weights + head * piece.keys + start;
  float* to = piece.partials + head * piece.partials_stride + 2 + i;
  const std::int64_t left = args.params.attention.head_dim - i;
  Vec sums[H][V];
  for (int h = 0; h < H; ++h) {
    for (int v = 0; v < V; ++v) {
      sums[h][v] = R::load(to + h * piece.partials_stride + v * kLanes, left - v * kLanes);
    }
  }
  for (std::int64_t k = 0; k < rows; ++k, row += values.stride) {
    Vec x[V];
    for (int v = 0; v < V; ++v) {
      x[v] = R::load_state(row, column + i + v * kLanes, left - v * kLanes);
    }
    for (int h = 0; h < H; ++h) {
      const Vec weight = v_set(weights[h * piece.keys + k]);
      for (int v = 0; v < V; ++v) sums[h][v] = v_fma(x[v], weight, sums[h][v]);
    }
  }
  for (int h = 0; h < H; ++h) {
    for (int v = 0; v < V; ++v) {
      R::store(to + h * piece.partials_stride + v * kLanes, sums[h][v], left - v * kLanes);
    }
  }
}

template <int H, class R>
MNEME_INLINE void add_values(const KernelArgs& args, const Piece& piece, std::int64_t start,
                             std::int64_t rows, std::int64_t head, std::int64_t column) {
  std::int64_t i = 0;
  for (; i + kValueVecs * kLanes <= args.params.attention.head_dim; i += kValueVecs * kLanes) {
    add_value_columns<H, kValueVecs, R>(args, piece, start, rows, head, column, i);
  }
  for (; i < args.params.attention.head_dim; i += kLanes) {
    add_value_columns<H, 1, R>(args, piece, start, rows, head, column, i);
  }
}

template <int H>
struct HeadCount {
  static constexpr int kCount = H;
};

// Calls use(heads as a type, head, column) for every run of heads that share a part of the rows.
template <class Use>
MNEME_INLINE void for_heads(const KernelArgs& args, Use&& use) {
  const std::int64_t group = args.params.attention.n_heads / args.params.attention.n_kv_heads;
  for (std::int64_t kv_head = 0; kv_head < args.params.attention.n_kv_heads; ++kv_head) {
    const std::int64_t column = kv_head * args.params.attention.head_dim;
    for (std::int64_t h = 0; h < group; h += kHeadsAtOnce) {
      const std::int64_t head = kv_head * group + h;
      switch (group - h) {
        case 1:
          use(HeadCount<1>(), head, column);
          break;
        case 2:
          use(HeadCount<2>(), head, column);
          break;
        case 3:
          use(HeadCount<3>(), head, column);
          break;
        default:
          use(HeadCount<4>(), head, column);
          break;
      }
    }
  }
}

// Asks for the next rows of keys, and for the values of these, before they are needed.
MNEME_INLINE void prefetch_rows(const KernelTensor& state, std::int64_t row) {
  if (row + kKeysAtOnce > state.rows) return;
  const unsigned char* at = state.data + row * state.stride;
  for (std::int64_t i = 0; i < kKeysAtOnce * state.stride; i += 64)
    __builtin_prefetch(at + i, 0, 2);
}

template <class R>
void score_keys(const KernelArgs& args, const Piece& piece) {
  const KernelTensor& keys = piece.key_rows;
  const Vec scale = v_set(args.params.attention.scale);
  for (std::int64_t start = 0; start < piece.count; start += kLanes) {
    const std::int64_t here = piece.count - start < kLanes ? piece.count - start : kLanes;
    const unsigned char* key = keys.data + (piece.first + start) * keys.stride;
    std::int64_t k = 0;
    for (; k + kKeysAtOnce <= here; k += kKeysAtOnce, key += kKeysAtOnce * keys.stride) {
      prefetch_rows(keys, piece.first + start + k + kLanes);
      prefetch_rows(piece.value_rows, piece.first + start + k);
      for_heads(args, [&](auto heads, std::int64_t head, std::int64_t column) {
        multiply_keys<heads.kCount, kKeysAtOnce, R>(args, piece, key, head, column, k);
      });
    }
    for (; k < here; ++k, key += keys.stride) {
      for_heads(args, [&](auto heads, std::int64_t head, std::int64_t column) {
        multiply_keys<heads.kCount, 1, R>(args, piece, key, head, column, k);
      });
    }
    for (std::int64_t head = 0; head < args.params.attention.n_heads; ++head) {
      float* to = piece.weights + head * piece.keys + start;
      v_store(to, v_mul(v_fold(piece.products + head * kLanes * kLanes), scale));
      cap_scores(args, to, here);
      for (std::int64_t i = here; i < kLanes; ++i) to[i] = kNothing;
    }
  }
}

template <class R>
void attend_piece(const KernelArgs& args, const Piece& piece) {
  score_keys<R>(args, piece);
  for (std::int64_t head = 0; head < args.params.attention.n_heads; ++head) {
    float* weights = piece.weights + head * piece.keys;
    float* partial = piece.partials + head * piece.partials_stride;
    Vec high = v_set(kNothing);
    for (std::int64_t k = 0; k < piece.count; k += kLanes) high = v_max(high, v_load(weights + k));
    partial[0] = v_highest(high);
    Vec total = v_set(0);
    for (std::int64_t k = 0; k < piece.count; k += kLanes) {
      const Vec score = v_load(weights + k);
      const Vec weight = v_exp(v_add(score, v_set(-partial[0])));
      v_store(weights + k, weight);
      total = v_add(total, v_fma(score, v_set(0), weight));  // NaN of an infinite score
    }
    partial[1] = v_sum(total);
    for (std::int64_t i = 0; i < args.params.attention.head_dim; ++i) partial[2 + i] = 0;
  }
  for (std::int64_t start = 0; start < piece.count; start += kValueRows) {
    const std::int64_t left = piece.count - start;
    for_heads(args, [&](auto heads, std::int64_t head, std::int64_t column) {
      add_values<heads.kCount, R>(args, piece, start, left < kValueRows ? left : kValueRows, head,
                                  column);
    });
  }
}

// Piece `split` of a token of `run`; `few`: the token's number among those that have pieces.
void attend_few(const KernelArgs& args, const KernelRun& run, std::int64_t t, std::int64_t split,
                std::int64_t few, unsigned char* scratch) {
  const std::int64_t splits = splits_of(args, run);
  const std::int64_t length = position_of(run, t) + 1;  // causal: itself and all before
  Piece piece;
  piece.key_rows = part_of(args.in[1], run);
  piece.value_rows = part_of(args.in[2], run);
  piece.q = row_of(args.in[0], t);
  const std::int64_t seen_from = first_seen(args, length);
  const std::int64_t seen = length - seen_from;
  piece.first = seen_from + seen * split / splits;
  piece.count = seen_from + seen * (split + 1) / splits - piece.first;
  piece.products = reinterpret_cast<float*>(scratch);
  piece.weights = piece.products + args.params.attention.n_heads * kLanes * kLanes;
  piece.keys = split_keys(args);
  piece.partials = partial_of(args, args.out2, few, 0, split);
  piece.partials_stride = kSplitsMax * partial_floats(args);
  const bool half = args.in[1].element == DType::f16;
  if (args.params.attention.head_dim % kLanes == 0) {
    half ? attend_piece<Rows<true, true>>(args, piece)
         : attend_piece<Rows<false, true>>(args, piece);
  } else {
    half ? attend_piece<Rows<true, false>>(args, piece)
         : attend_piece<Rows<false, false>>(args, piece);
  }
}

void combine_token(const KernelArgs& args, std::int64_t splits, std::int64_t t, std::int64_t few) {
  for (std::int64_t head = 0; head < args.params.attention.n_heads; ++head) {
    const float* parts[kSplitsMax];
    float highest = kNothing;
    for (std::int64_t s = 0; s < splits; ++s) {
      parts[s] = partial_of(args, args.in[0], few, head, s);
      if (parts[s][0] > highest) highest = parts[s][0];
    }
    float shares[kSplitsMax];
    float total = 0;
    for (std::int64_t s = 0; s < splits; ++s) {
      shares[s] = std::exp(parts[s][0] - highest);
      total += shares[s] * parts[s][1];
    }
    float* out = row_of(args.out, t) + head * args.params.attention.head_dim;
    for (std::int64_t i = 0; i < args.params.attention.head_dim; i += kLanes) {
      const std::int64_t left = args.params.attention.head_dim - i;
      Vec sum = v_set(0);
      for (std::int64_t s = 0; s < splits; ++s) {
        sum = v_fma(v_load_n(parts[s] + 2 + i, left), v_set(shares[s] / total), sum);
      }
      v_store_n(out + i, sum, left);
    }
  }
}

// An item is a token. in[0] is what attention left in out2.
void combine_attention(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                       std::int64_t end, unsigned char*) {
  std::int64_t few = 0;  // tokens of the runs before that have pieces
  for (const KernelRun* run = step.runs; run != step.runs + step.run_count; ++run) {
    if (run->rows >= kFewTokens) continue;  // many tokens left whole rows
    const std::int64_t last = smaller(end, run->first + run->rows);
    for (std::int64_t t = begin > run->first ? begin : run->first; t < last; ++t) {
      combine_token(args, splits_of(args, *run), t, few + t - run->first);
    }
    few += run->rows;
  }
}
