// SPDX-License-Identifier: Apache-2.0
// Products with float32 activations: the exact mode, and weights that are not quantised. Few
// tokens: each weight row is decoded and multiplied where it lies. Many tokens: sixteen rows are
// decoded and turned once, so that a vector holds one column of several rows, then used for every
// token.

constexpr std::int64_t kTileRows = 16;
constexpr int kTileVecs = static_cast<int>(kTileRows / kLanes);
constexpr std::int64_t kFewTokens = 4;  // below: rows one by one
#if defined(__AVX512F__)
constexpr int kFloatTokens = 12;  // with the weights, 13 of 32 registers and room for loads
#else
constexpr int kFloatTokens = 6;  // times two vectors: 12 of 16 registers
#endif

std::int64_t matmul_float_scratch(std::int64_t cols) {
  return (2 * kTileRows * ((cols + kLanes - 1) / kLanes * kLanes)) * 4;
}

void few_tokens_float(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                      std::int64_t end, unsigned char* scratch) {
  const KernelTensor& weight = args.in[1];
  const float* bias = floats_of(args.in[2]);
  float* decoded = reinterpret_cast<float*>(scratch);
  for (std::int64_t o = begin; o < end; ++o) {
    const unsigned char* stored = weight.data + o * weight.stride;
    decode_row(weight.element, stored, weight.cols, decoded);
    for (std::int64_t t = first_token(args, step); t < step.tokens; ++t) {
      const float sum = dot(decoded, row_of(args.in[0], step, t), weight.cols);
      row_of(args.out, step, t)[o] = bias ? sum + bias[o] : sum;
    }
  }
}

MNEME_INLINE Vec bias_of(const float* bias, std::int64_t first_row, std::int64_t rows, int v) {
  if (!bias || rows <= v * kLanes) return v_set(0);
  return v_load_n(bias + first_row + v * kLanes, rows - v * kLanes);
}

// tile: [cols][kTileRows]. Writes `rows` (at most kTileRows) outputs of N tokens.
template <int N>
MNEME_INLINE void float_tile_tokens(const KernelArgs& args, const KernelStep& step,
                                    const float* tile, std::int64_t t, std::int64_t first_row,
                                    std::int64_t rows) {
  const std::int64_t cols = args.in[1].cols;
  const float* bias = floats_of(args.in[2]);
  const float* x[N];
  Vec sums[N][kTileVecs];
  for (int n = 0; n < N; ++n) {
    x[n] = row_of(args.in[0], step, t + n);
    for (int v = 0; v < kTileVecs; ++v) {
      sums[n][v] = bias_of(bias, first_row, rows, v);
    }
  }
  for (std::int64_t c = 0; c < cols; ++c) {
    Vec w[kTileVecs];
    for (int v = 0; v < kTileVecs; ++v) w[v] = v_load(tile + c * kTileRows + v * kLanes);
    for (int n = 0; n < N; ++n) {
      const Vec value = v_set(x[n][c]);
      for (int v = 0; v < kTileVecs; ++v) sums[n][v] = v_fma(w[v], value, sums[n][v]);
    }
  }
  for (int n = 0; n < N; ++n) {
    float* out = row_of(args.out, step, t + n) + first_row;
    for (int v = 0; v < kTileVecs; ++v) {
      if (rows > v * kLanes) v_store_n(out + v * kLanes, sums[n][v], rows - v * kLanes);
    }
  }
}

void many_tokens_float(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                       std::int64_t end, unsigned char* scratch) {
  const KernelTensor& weight = args.in[1];
  const std::int64_t padded = (weight.cols + kLanes - 1) / kLanes * kLanes;
  float* decoded = reinterpret_cast<float*>(scratch);  // [kTileRows, padded]
  float* tile = decoded + kTileRows * padded;          // [padded, kTileRows]
  for (std::int64_t o = begin; o < end; o += kTileRows) {
    const std::int64_t rows = end - o < kTileRows ? end - o : kTileRows;
    for (std::int64_t r = 0; r < rows; ++r) {
      decode_row(weight.element, weight.data + (o + r) * weight.stride, weight.cols,
                 decoded + r * padded);
    }
    for (std::int64_t c = 0; c < padded; c += kLanes) {
      for (int v = 0; v < kTileVecs; ++v) {
        transpose(tile + c * kTileRows + v * kLanes, kTileRows, decoded + v * kLanes * padded + c,
                  padded);
      }
    }
    std::int64_t t = first_token(args, step);
    for (; t + kFloatTokens <= step.tokens; t += kFloatTokens) {
      float_tile_tokens<kFloatTokens>(args, step, tile, t, o, rows);
    }
    for (; t + 4 <= step.tokens; t += 4) float_tile_tokens<4>(args, step, tile, t, o, rows);
    for (; t < step.tokens; ++t) float_tile_tokens<1>(args, step, tile, t, o, rows);
  }
}
