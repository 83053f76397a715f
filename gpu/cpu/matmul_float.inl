// SPDX-License-Identifier: Apache-2.0
// Products with float32 activations: the exact mode, and weights that are not quantised. Weights of
// F16 and BF16 become float32 in registers, on their way into the product; quantised ones are
// decoded into scratch first. Few tokens: weight rows are multiplied one by one. Many tokens: tiles
// of the weight are turned, so that a vector holds one column of several rows, then used for all.

constexpr std::int64_t kTileRows = 16;
constexpr int kTileVecs = static_cast<int>(kTileRows / kLanes);
constexpr std::int64_t kFewTokens = 4;  // below: rows one by one

// Two vectors of rows share each activation, which else costs as many loads as products.
constexpr std::int64_t kFloatRows = 2 * kLanes;
// So that a tile and the activations that it meets lie in the first cache; whole blocks of every
// type.
constexpr std::int64_t kFloatCols = 512;
constexpr std::int64_t kFloatColsMax = kFloatCols * 3 / 2;  // where few are left
constexpr std::int64_t kFloatTile = kFloatRows * kFloatColsMax;
// So many tokens meet the tiles of so many rows before the next tokens: both lie in the second
// cache, where the activations of a long step would not.
constexpr std::int64_t kTokensAtATime = 48;
constexpr std::int64_t kPanelRows = 64;
#if defined(__AVX512F__)
constexpr int kFloatTokens = 12;  // times two vectors: 24 of 32 registers
#else
constexpr int kFloatTokens = 6;  // times two vectors: 12 of 16 registers
#endif

MNEME_INLINE std::int64_t smaller(std::int64_t a, std::int64_t b) {
  return a < b ? a : b;
}

constexpr bool is_float(DType element) {
  return element == DType::f32 || element == DType::f16 || element == DType::bf16;
}

template <DType E>
constexpr std::int64_t float_bytes() {
  return E == DType::f32 ? 4 : 2;
}

template <DType E>
MNEME_INLINE Vec load_floats(const unsigned char* p) {
  if constexpr (E == DType::f16) return v_load_half(p);
  if constexpr (E == DType::bf16) return v_load_bfloat(p);
  return v_load(reinterpret_cast<const float*>(p));
}

template <DType E>
MNEME_INLINE Vec load_floats_n(const unsigned char* p, std::int64_t n) {
  if constexpr (E == DType::f16) return v_load_half_n(p, n);
  if constexpr (E == DType::bf16) return v_load_bfloat_n(p, n);
  return v_load_n(reinterpret_cast<const float*>(p), n);
}

std::int64_t matmul_float_scratch(const KernelTensor& weight) {
  const std::int64_t tiles = kPanelRows * kFloatColsMax * 4;
  if (is_float(weight.element)) return tiles;
  const std::int64_t row = (weight.cols + kLanes - 1) / kLanes * kLanes * 4;
  const std::int64_t turned = tiles + kFloatTile * 4;
  return row > turned ? row : turned;
}

// One row times N tokens: dot() of rows.inl, to the bit.
template <DType E, int N>
MNEME_INLINE void dot_floats(const unsigned char* row, const float* const* x, std::int64_t cols,
                             float* out) {
  constexpr std::int64_t kStep = 4 * kLanes;
  Vec sums[N][4];
  for (int n = 0; n < N; ++n) {
    for (int k = 0; k < 4; ++k) sums[n][k] = v_set(0);
  }
  std::int64_t i = 0;
  for (; i + kStep <= cols; i += kStep) {
    const unsigned char* p = row + i * float_bytes<E>();
    prefetch(p, kStep * float_bytes<E>());
    for (int k = 0; k < 4; ++k) {
      const Vec w = load_floats<E>(p + k * kLanes * float_bytes<E>());
      for (int n = 0; n < N; ++n) {
        sums[n][k] = v_fma(w, v_load(x[n] + i + k * kLanes), sums[n][k]);
      }
    }
  }
  for (; i < cols; i += kLanes) {
    const Vec w = load_floats_n<E>(row + i * float_bytes<E>(), cols - i);
    for (int n = 0; n < N; ++n) sums[n][0] = v_fma(w, v_load_n(x[n] + i, cols - i), sums[n][0]);
  }
  for (int n = 0; n < N; ++n) {
    out[n] = v_sum(v_add(v_add(sums[n][0], sums[n][1]), v_add(sums[n][2], sums[n][3])));
  }
}

// What a row of the output is summed up like depends on its own sequence only: those that bring few
// rows have them multiplied one by one, wherever they stand, and one that brings many in tiles.
// Calls few(first, end) and many(first, end) for such rows.
template <class Few, class Many>
MNEME_INLINE void by_sequence(const KernelStep& step, Few&& few, Many&& many) {
  std::int64_t first = 0;  // of the few that were not multiplied yet
  for (const KernelRun* run = step.runs; run != step.runs + step.run_count; ++run) {
    if (run->rows < kFewTokens && !run->of_many) continue;
    if (first < run->first) few(first, run->first);
    first = run->first + run->rows;
    many(run->first, first);
  }
  if (first < step.rows) few(first, step.rows);
}

template <DType E, int N>
void few_tokens_float(const KernelArgs& args, std::int64_t first, std::int64_t begin,
                      std::int64_t end) {
  const KernelTensor& weight = args.in[1];
  const float* bias = floats_of(args.in[2]);
  const float* x[N];
  for (int n = 0; n < N; ++n) x[n] = row_of(args.in[0], first + n);
  for (std::int64_t o = begin; o < end; ++o) {
    float sums[N];
    dot_floats<E, N>(weight.data + o * weight.stride, x, weight.cols, sums);
    for (int n = 0; n < N; ++n) {
      row_of(args.out, first + n)[o] = bias ? sums[n] + bias[o] : sums[n];
    }
  }
}

void few_tokens_decoded(const KernelArgs& args, std::int64_t first, std::int64_t last,
                        std::int64_t begin, std::int64_t end, unsigned char* scratch) {
  const KernelTensor& weight = args.in[1];
  const float* bias = floats_of(args.in[2]);
  float* decoded = reinterpret_cast<float*>(scratch);
  for (std::int64_t o = begin; o < end; ++o) {
    decode_row(weight.element, weight.data + o * weight.stride, weight.cols, decoded);
    for (std::int64_t t = first; t < last; ++t) {
      const float sum = dot(decoded, row_of(args.in[0], t), weight.cols);
      row_of(args.out, t)[o] = bias ? sum + bias[o] : sum;
    }
  }
}

MNEME_INLINE Vec bias_of(const float* bias, std::int64_t first_row, std::int64_t rows, int v) {
  if (!bias || rows <= v * kLanes) return v_set(0);
  return v_load_n(bias + first_row + v * kLanes, rows - v * kLanes);
}

// Some of a weight's columns.
struct FloatCols {
  std::int64_t first;
  std::int64_t cols;
};

// tile: [cols][V vectors] of V * kLanes rows; those behind the last of `rows` repeat it, and what
// they give is not stored.
template <DType E, int V>
void turn_rows(const unsigned char* from, std::int64_t stride, std::int64_t rows, std::int64_t cols,
               float* tile) {
  for (std::int64_t c = 0; c < cols; c += kLanes) {
    for (int v = 0; v < V; ++v) {
      Vec turned[kLanes];
      for (std::int64_t i = 0; i < kLanes; ++i) {
        const unsigned char* p =
            from + smaller(v * kLanes + i, rows - 1) * stride + c * float_bytes<E>();
        turned[i] = cols - c >= kLanes ? load_floats<E>(p) : load_floats_n<E>(p, cols - c);
      }
      v_transpose(turned);
      for (std::int64_t i = 0; i < kLanes; ++i) {
        v_store(tile + ((c + i) * V + v) * kLanes, turned[i]);
      }
    }
  }
}

template <DType E>
void turn_tile(const unsigned char* from, std::int64_t stride, std::int64_t rows, std::int64_t cols,
               float* tile) {
  if (rows > kLanes) return turn_rows<E, 2>(from, stride, rows, cols, tile);
  return turn_rows<E, 1>(from, stride, rows, cols, tile);
}

void fill_tile(const KernelTensor& weight, std::int64_t first_row, std::int64_t rows, FloatCols at,
               float* decoded, float* tile) {
  const unsigned char* from =
      weight.data + first_row * weight.stride + weight.stride * at.first / weight.cols;
  switch (weight.element) {
    case DType::f32:
      return turn_tile<DType::f32>(from, weight.stride, rows, at.cols, tile);
    case DType::f16:
      return turn_tile<DType::f16>(from, weight.stride, rows, at.cols, tile);
    case DType::bf16:
      return turn_tile<DType::bf16>(from, weight.stride, rows, at.cols, tile);
    default:
      break;
  }
  for (std::int64_t r = 0; r < rows; ++r) {
    decode_row(weight.element, from + r * weight.stride, at.cols, decoded + r * kFloatColsMax);
  }
  turn_tile<DType::f32>(reinterpret_cast<const unsigned char*>(decoded), kFloatColsMax * 4, rows,
                        at.cols, tile);
}

// Adds the products of a tile's columns to `rows` outputs of N tokens.
template <int N, int V>
MNEME_INLINE void float_tile_tokens(const KernelArgs& args, const float* tile, FloatCols at,
                                    std::int64_t t, std::int64_t first_row, std::int64_t rows) {
  // Rows of activations lie one stride apart: a base for every three keeps the addresses of all N
  // in few registers.
  const std::int64_t stride = args.in[0].stride / 4;
  const float* bases[(N + 2) / 3];
  for (int n = 0; n < N; n += 3) bases[n / 3] = row_of(args.in[0], t + n) + at.first;
  Vec sums[N][V];
  for (int n = 0; n < N; ++n) {
    const float* out = row_of(args.out, t + n) + first_row;
    for (int v = 0; v < V; ++v) sums[n][v] = v_load_n(out + v * kLanes, rows - v * kLanes);
  }
  for (std::int64_t c = 0; c < at.cols; ++c) {
    Vec w[V];
    for (int v = 0; v < V; ++v) w[v] = v_load(tile + (c * V + v) * kLanes);
    for (int n = 0; n < N; ++n) {
      const Vec value = v_set(bases[n / 3][n % 3 * stride + c]);
      for (int v = 0; v < V; ++v) sums[n][v] = v_fma(w[v], value, sums[n][v]);
    }
  }
  for (int n = 0; n < N; ++n) {
    float* out = row_of(args.out, t + n) + first_row;
    for (int v = 0; v < V; ++v) v_store_n(out + v * kLanes, sums[n][v], rows - v * kLanes);
  }
}

// Tokens [t, end), N at a time as often as they are there; t is then the first of the rest.
template <int N>
MNEME_INLINE void float_tile_groups(const KernelArgs& args, const float* tile, FloatCols at,
                                    std::int64_t& t, std::int64_t end, std::int64_t first_row,
                                    std::int64_t rows) {
  for (; t + N <= end; t += N) {
    if (rows == kFloatRows) {
      float_tile_tokens<N, 2>(args, tile, at, t, first_row, kFloatRows);
    } else if (rows > kLanes) {
      float_tile_tokens<N, 2>(args, tile, at, t, first_row, rows);
    } else {
      float_tile_tokens<N, 1>(args, tile, at, t, first_row, rows);
    }
  }
}

// Outputs [begin, end) of tokens [first, last) become the bias, or zero: what products are added
// to.
void begin_outputs(const KernelArgs& args, std::int64_t first, std::int64_t last,
                   std::int64_t begin, std::int64_t end) {
  const float* bias = floats_of(args.in[2]);
  const auto bytes = static_cast<std::size_t>(end - begin) * 4;
  for (std::int64_t t = first; t < last; ++t) {
    float* out = row_of(args.out, t) + begin;
    if (bias) {
      std::memcpy(out, bias + begin, bytes);
    } else {
      std::memset(out, 0, bytes);
    }
  }
}

void many_tokens_float(const KernelArgs& args, std::int64_t first, std::int64_t last_token,
                       std::int64_t begin, std::int64_t end, unsigned char* scratch) {
  const KernelTensor& weight = args.in[1];
  const std::int64_t panel = last_token - first > kTokensAtATime ? kPanelRows : kFloatRows;
  float* tiles = reinterpret_cast<float*>(scratch);     // [kPanelRows / kFloatRows][kFloatTile]
  float* decoded = tiles + kPanelRows * kFloatColsMax;  // [kFloatRows][kFloatColsMax]
  for (; begin < end; begin += panel) {
    const std::int64_t stop = smaller(end, begin + panel);
    begin_outputs(args, first, last_token, begin, stop);
    for (FloatCols at{0, 0}; at.first < weight.cols; at.first += at.cols) {
      const std::int64_t left = weight.cols - at.first;
      at.cols = left < kFloatColsMax ? left : kFloatCols;
      float* tile = tiles;
      for (std::int64_t o = begin; o < stop; o += kFloatRows, tile += kFloatTile) {
        fill_tile(weight, o, smaller(stop - o, kFloatRows), at, decoded, tile);
      }
      for (std::int64_t t = first; t < last_token; t += kTokensAtATime) {
        const std::int64_t last = smaller(last_token, t + kTokensAtATime);
        tile = tiles;
        for (std::int64_t o = begin; o < stop; o += kFloatRows, tile += kFloatTile) {
          const std::int64_t rows = smaller(stop - o, kFloatRows);
          std::int64_t from = t;
          float_tile_groups<kFloatTokens>(args, tile, at, from, last, o, rows);
          float_tile_groups<4>(args, tile, at, from, last, o, rows);
          float_tile_groups<2>(args, tile, at, from, last, o, rows);
          float_tile_groups<1>(args, tile, at, from, last, o, rows);
        }
      }
    }
  }
}

// Floats of any width: an item is a row of the weight.
template <DType E>
void matmul_float(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                  std::int64_t end, unsigned char* scratch) {
  by_sequence(
      step,
      [&](std::int64_t t, std::int64_t last) {
        for (; t + 3 <= last; t += 3) few_tokens_float<E, 3>(args, t, begin, end);
        if (last - t == 2) few_tokens_float<E, 2>(args, t, begin, end);
        if (last - t == 1) few_tokens_float<E, 1>(args, t, begin, end);
      },
      [&](std::int64_t first, std::int64_t last) {
        many_tokens_float(args, first, last, begin, end, scratch);
      });
}

void matmul_decoded(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                    std::int64_t end, unsigned char* scratch) {
  by_sequence(
      step,
      [&](std::int64_t first, std::int64_t last) {
        few_tokens_decoded(args, first, last, begin, end, scratch);
      },
      [&](std::int64_t first, std::int64_t last) {
        many_tokens_float(args, first, last, begin, end, scratch);
      });
}
