// SPDX-License-Identifier: Apache-2.0
// Attention of many tokens: a tile of query rows (some tokens, all query heads of one kv head)
// passes over the keys in blocks that are converted to float32 once per tile, with a running
// maximum and sum, so that no row of scores is longer than a block. A tile is of one sequence.

constexpr std::int64_t kKeys = 64;  // in a block
#if defined(__AVX512F__)
constexpr int kWide = 4;  // vectors side by side: with four rows 16 of 32 registers
#else
constexpr int kWide = 2;  // 8 of 16
#endif

MNEME_INLINE std::int64_t padded_dim(const KernelArgs& args) {
  return (args.params.attention.head_dim + kWide * kLanes - 1) / (kWide * kLanes) *
         (kWide * kLanes);
}

MNEME_INLINE std::int64_t tile_tokens(const KernelArgs& args) {
  const std::int64_t tokens = 48 * args.params.attention.n_kv_heads / args.params.attention.n_heads;
  return tokens < 4 ? 4 : tokens > 16 ? 16 : tokens;
}

struct AttentionTile {
  float* keys;     // [dim, kKeys]
  float* values;   // [kKeys, dim]; the keys' rows before they are turned
  float* queries;  // [rows, dim], scaled
  float* scores;   // [rows, kKeys]
  float* out;      // [rows, dim]
  float* highest;  // [rows]
  float* total;    // [rows]
  float* shrink;   // [rows]: what the block's new maximum makes of older sums
  std::int64_t dim;
  std::int64_t rows;  // multiple of 4
};

AttentionTile attention_tile(const KernelArgs& args, unsigned char* scratch) {
  AttentionTile tile{};
  tile.dim = padded_dim(args);
  tile.rows =
      (tile_tokens(args) * (args.params.attention.n_heads / args.params.attention.n_kv_heads) + 3) /
      4 * 4;
  float* at = reinterpret_cast<float*>(scratch);
  const auto take = [&](std::int64_t count) {
    float* here = at;
    at += (count + 15) / 16 * 16;
    return here;
  };
  tile.keys = take(tile.dim * kKeys);
  tile.values = take(tile.dim * kKeys);
  tile.queries = take(tile.rows * tile.dim);
  tile.scores = take(tile.rows * kKeys);
  tile.out = take(tile.rows * tile.dim);
  tile.highest = take(tile.rows);
  tile.total = take(tile.rows);
  tile.shrink = take(tile.rows);
  return tile;
}

std::int64_t attention_tile_scratch(const KernelArgs& args) {
  const AttentionTile tile = attention_tile(args, nullptr);
  return static_cast<std::int64_t>(
      reinterpret_cast<std::uintptr_t>(tile.shrink + (tile.rows + 15) / 16 * 16));
}

// Rows first..first + count of one kv head as floats; rows up to kKeys become zero.
MNEME_INLINE void load_block_rows(const KernelArgs& args, const KernelTensor& state,
                                  std::int64_t column, std::int64_t first, std::int64_t count,
                                  std::int64_t dim, float* to) {
  for (std::int64_t k = 0; k < kKeys; ++k) {
    const unsigned char* row = state.data + (first + k) * state.stride;
    for (std::int64_t i = 0; i < dim; i += kLanes) {
      const std::int64_t left = args.params.attention.head_dim - i;
      const bool there = k < count && left > 0;
      v_store(to + k * dim + i, there ? load_state_n(state, row, column + i, left) : v_set(0));
    }
  }
}

// to[4 rows, kWide vectors] = (shrink *) to + a[4 rows, depth] * b[depth, b_stride]
MNEME_INLINE void multiply_four_rows(const float* a, std::int64_t a_stride, const float* b,
                                     std::int64_t b_stride, std::int64_t depth, const float* shrink,
                                     float* to, std::int64_t to_stride) {
  Vec sums[4][kWide];
  for (int r = 0; r < 4; ++r) {
    for (int v = 0; v < kWide; ++v) {
      sums[r][v] =
          shrink ? v_mul(v_load(to + r * to_stride + v * kLanes), v_set(shrink[r])) : v_set(0);
    }
  }
  for (std::int64_t k = 0; k < depth; ++k) {
    Vec right[kWide];
    for (int v = 0; v < kWide; ++v) right[v] = v_load(b + k * b_stride + v * kLanes);
    for (int r = 0; r < 4; ++r) {
      const Vec left = v_set(a[r * a_stride + k]);
      for (int v = 0; v < kWide; ++v) sums[r][v] = v_fma(left, right[v], sums[r][v]);
    }
  }
  for (int r = 0; r < 4; ++r) {
    for (int v = 0; v < kWide; ++v) v_store(to + r * to_stride + v * kLanes, sums[r][v]);
  }
}

// Scores of one row become weights; of the block's keys those of its future, from `end` on, and
// those before `first`, which its window has left, are not seen.
MNEME_INLINE void soften(const KernelArgs& args, const AttentionTile& tile, std::int64_t row,
                         std::int64_t first, std::int64_t end) {
  float* scores = tile.scores + row * kKeys;
  cap_scores(args, scores, kKeys);
  for (std::int64_t k = 0; k < first && k < kKeys; ++k) scores[k] = kNothing;
  for (std::int64_t k = end < 0 ? 0 : end; k < kKeys; ++k) scores[k] = kNothing;
  Vec high = v_set(tile.highest[row]);
  for (std::int64_t k = 0; k < kKeys; k += kLanes) high = v_max(high, v_load(scores + k));
  const float highest = v_highest(high);
  Vec total = v_set(0);
  for (std::int64_t k = 0; k < kKeys; k += kLanes) {
    const Vec score = v_load(scores + k);
    const Vec weight = v_exp(v_add(score, v_set(-highest)));
    v_store(scores + k, weight);
    total = v_add(total, v_fma(score, v_set(0), weight));  // NaN of an infinite score
  }
  tile.shrink[row] = std::exp(tile.highest[row] - highest);
  tile.total[row] = tile.total[row] * tile.shrink[row] + v_sum(total);
  tile.highest[row] = highest;
}

void attend_tile(const KernelArgs& args, const KernelRun& run, const AttentionTile& tile,
                 std::int64_t first, std::int64_t tokens, std::int64_t kv_head) {
  const KernelTensor keys = part_of(args.in[1], run);
  const KernelTensor values = part_of(args.in[2], run);
  const std::int64_t position = position_of(run, first);
  const std::int64_t group = args.params.attention.n_heads / args.params.attention.n_kv_heads;
  const std::int64_t rows = (tokens * group + 3) / 4 * 4;
  const std::int64_t column = kv_head * args.params.attention.head_dim;
  const float scale = args.params.attention.scale;
  for (std::int64_t r = 0; r < rows; ++r) {
    tile.highest[r] = kNothing;
    tile.total[r] = 0;
    const bool there = r < tokens * group;
    const float* q = there ? row_of(args.in[0], first + r / group) +
                                 (kv_head * group + r % group) * args.params.attention.head_dim
                           : nullptr;
    for (std::int64_t i = 0; i < tile.dim; i += kLanes) {
      const std::int64_t left = args.params.attention.head_dim - i;
      v_store(tile.queries + r * tile.dim + i,
              there && left > 0 ? v_mul(v_load_n(q + i, left), v_set(scale)) : v_set(0));
      v_store(tile.out + r * tile.dim + i, v_set(0));
    }
  }
  const std::int64_t length = position + tokens;
  const std::int64_t seen_from = first_seen(args, position + 1);
  for (std::int64_t start = seen_from; start < length; start += kKeys) {
    const std::int64_t count = length - start < kKeys ? length - start : kKeys;
    load_block_rows(args, keys, column, start, count, tile.dim, tile.values);
    for (std::int64_t i = 0; i < tile.dim; i += kLanes) {
      for (std::int64_t k = 0; k < kKeys; k += kLanes) {
        transpose(tile.keys + i * kKeys + k, kKeys, tile.values + k * tile.dim + i, tile.dim);
      }
    }
    load_block_rows(args, values, column, start, count, tile.dim, tile.values);
    for (std::int64_t r = 0; r < rows; r += 4) {
      for (std::int64_t k = 0; k < kKeys; k += kWide * kLanes) {
        multiply_four_rows(tile.queries + r * tile.dim, tile.dim, tile.keys + k, kKeys,
                           args.params.attention.head_dim, nullptr, tile.scores + r * kKeys + k,
                           kKeys);
      }
      for (std::int64_t i = r; i < r + 4; ++i) {
        const std::int64_t seen = position + i / group + 1;
        soften(args, tile, i, first_seen(args, seen) - start, seen - start);
      }
      for (std::int64_t i = 0; i < tile.dim; i += kWide * kLanes) {
        multiply_four_rows(tile.scores + r * kKeys, kKeys, tile.values + i, tile.dim, count,
                           tile.shrink + r, tile.out + r * tile.dim + i, tile.dim);
      }
    }
  }
  for (std::int64_t r = 0; r < tokens * group; ++r) {
    float* out = row_of(args.out, first + r / group) +
                 (kv_head * group + r % group) * args.params.attention.head_dim;
    const Vec total = v_set(1.0f / tile.total[r]);
    for (std::int64_t i = 0; i < args.params.attention.head_dim; i += kLanes) {
      v_store_n(out + i, v_mul(v_load(tile.out + r * tile.dim + i), total),
                args.params.attention.head_dim - i);
    }
  }
}

// Pieces of the tokens of a sequence that brings few, pieces varying fastest; else tiles, kv heads
// varying fastest.
std::int64_t items_of(const KernelArgs& args, const KernelRun& run) {
  if (run.rows < kFewTokens) return run.rows * splits_of(args, run);
  const std::int64_t per_tile = tile_tokens(args);
  return (run.rows + per_tile - 1) / per_tile * args.params.attention.n_kv_heads;
}

void attention(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
               unsigned char* scratch) {
  const AttentionTile tile = attention_tile(args, scratch);
  const std::int64_t per_tile = tile_tokens(args);
  const std::int64_t kv_heads = args.params.attention.n_kv_heads;
  std::int64_t before = 0;  // items of the runs before
  std::int64_t few = 0;     // their tokens that have pieces
  for (const KernelRun* run = step.runs; run != step.runs + step.run_count; ++run) {
    const std::int64_t items = items_of(args, *run);
    const std::int64_t last = smaller(end - before, items);
    for (std::int64_t item = begin > before ? begin - before : 0; item < last; ++item) {
      if (run->rows < kFewTokens) {
        const std::int64_t splits = splits_of(args, *run);
        attend_few(args, *run, run->first + item / splits, item % splits, few + item / splits,
                   scratch);
        continue;
      }
      const std::int64_t start = item / kv_heads * per_tile;
      attend_tile(args, *run, tile, run->first + start, smaller(per_tile, run->rows - start),
                  item % kv_heads);
    }
    before += items;
    if (run->rows < kFewTokens) few += run->rows;
  }
}

std::int64_t attention_items(const KernelArgs& args, const KernelStep& step) {
  std::int64_t items = 0;
  for (const KernelRun* run = step.runs; run != step.runs + step.run_count; ++run) {
    items += items_of(args, *run);
  }
  return items;
}

std::int64_t attention_scratch(const KernelArgs& args) {
  const std::int64_t few = attention_few_scratch(args);
  const std::int64_t many = attention_tile_scratch(args);
  return few > many ? few : many;
}
