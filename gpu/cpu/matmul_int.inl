// SPDX-License-Identifier: Apache-2.0
// Products of quantised weights with packed activations (pack.inl), in integers within a block
// of 32. A weight is scale * byte + minimum; unpack_group() of each instruction set says which
// bytes. Many tokens: sixteen rows are unpacked and turned once, then used for every token.

// Unpacked weights of sixteen rows.
struct IntTile {
  unsigned char* bytes;  // [vectors, groups, 32, kLanes rows, 4 bytes]
  float* scales;         // [groups * 4, kTileRows]
  float* minima;         // [groups * 4, kTileRows]
  std::int64_t groups;
};

MNEME_INLINE IntTile int_tile(unsigned char* scratch, std::int64_t cols) {
  const std::int64_t groups = groups_of(cols);
  IntTile tile{scratch, nullptr, nullptr, groups};
  tile.scales = reinterpret_cast<float*>(scratch + groups * kGroup * kTileRows);
  tile.minima = tile.scales + groups * 4 * kTileRows;
  return tile;
}

std::int64_t matmul_int_scratch(std::int64_t cols) {
  return groups_of(cols) * (kGroup * kTileRows + 2 * 4 * kTileRows * 4);
}

template <DType E>
MNEME_INLINE void unpack_tile(const IntTile& tile, const KernelTensor& weight,
                              std::int64_t first_row, std::int64_t rows) {
  const std::int64_t blocks = weight.cols / 32;
  alignas(64) unsigned char bytes[kTileRows][128];
  for (std::int64_t g = 0; g < tile.groups; ++g) {
    const std::int64_t left = blocks - g * 4 < 4 ? blocks - g * 4 : 4;
    for (std::int64_t r = 0; r < kTileRows; ++r) {
      // Rows behind the last repeat it; what they give is not stored.
      const std::int64_t row = first_row + (r < rows ? r : rows - 1);
      float scales[4];
      float minima[4];
      unpack_group<E>(weight.data + row * weight.stride + g * 4 * block_bytes<E>(), left, bytes[r],
                      scales, minima);
      for (int b = 0; b < 4; ++b) {
        tile.scales[(g * 4 + b) * kTileRows + r] = scales[b];
        tile.minima[(g * 4 + b) * kTileRows + r] = minima[b];
      }
    }
    for (int v = 0; v < kTileVecs; ++v) {
      float* to = reinterpret_cast<float*>(tile.bytes + (v * tile.groups + g) * kGroup * kLanes);
      for (std::int64_t lane = 0; lane < 32; lane += kLanes) {
        transpose(to + lane * kLanes, kLanes,
                  reinterpret_cast<const float*>(bytes[v * kLanes]) + lane, 32);
      }
    }
  }
}

// Outputs of N tokens from t on, for the kLanes rows of vector v.
template <DType E, int N>
MNEME_INLINE void int_tile_tokens(const KernelArgs& args, const IntTile& tile, int v,
                                  std::int64_t t, std::int64_t first_row, std::int64_t rows) {
  // Rows of packed activations lie one stride apart: a base for every three keeps the addresses of
  // all N in few registers.
  const std::int64_t stride = args.in[3].stride;
  const unsigned char* bases[(N + 2) / 3];
  for (int n = 0; n < N; n += 3) bases[n / 3] = row_bytes_of(args.in[3], t + n);
  const unsigned char* weights = tile.bytes + v * tile.groups * kGroup * kLanes;
  const float* scales = tile.scales + v * kLanes;
  const float* minima = tile.minima + v * kLanes;
  Vec sums[N];
  for (int n = 0; n < N; ++n) sums[n] = bias_of(floats_of(args.in[2]), first_row, rows, v);
  std::int64_t at = 0;  // of the group in a packed row
  for (std::int64_t g = 0; g < tile.groups; ++g, at += sizeof(PackedGroup)) {
    for (int b = 0; b < 4; ++b) {
      IntVec products[N];
      for (int n = 0; n < N; ++n) products[n] = i_zero();
      for (int half = 0; half < 2; ++half) {
        for (int lane = 0; lane < 4; ++lane) {
          const IntVec w = i_load(weights + (half * 16 + b * 4 + lane) * kLanes * 4);
          for (int n = 0; n < N; ++n) {
            const unsigned char* x = bases[n / 3] + (n % 3) * stride + at;
            products[n] = i_dot<E>(products[n], w, i_set(x + half * 64 + b * 16 + lane * 4));
          }
        }
      }
      const Vec scale = v_load(scales);
      const Vec minimum = v_load(minima);
      for (int n = 0; n < N; ++n) {
        const auto* x = reinterpret_cast<const PackedGroup*>(bases[n / 3] + (n % 3) * stride + at);
        sums[n] = v_fma(i_to_float(products[n]), v_mul(scale, v_set(x->scales[b])), sums[n]);
        if (adds_sums<E>()) sums[n] = v_fma(minimum, v_set(x->scaled_sums[b]), sums[n]);
      }
      scales += kTileRows;
      minima += kTileRows;
    }
    weights += kGroup * kLanes;
  }
  if (rows <= v * kLanes) return;
  for (int n = 0; n < N; ++n) {
    v_store_n(row_of(args.out, t + n) + first_row + v * kLanes, sums[n], rows - v * kLanes);
  }
}

template <DType E>
void many_tokens_int(const KernelArgs& args, std::int64_t first, std::int64_t last,
                     std::int64_t begin, std::int64_t end, unsigned char* scratch) {
  const IntTile tile = int_tile(scratch, args.in[1].cols);
  for (std::int64_t o = begin; o < end; o += kTileRows) {
    const std::int64_t rows = end - o < kTileRows ? end - o : kTileRows;
    unpack_tile<E>(tile, args.in[1], o, rows);
    for (int v = 0; v < kTileVecs; ++v) {
      std::int64_t t = first;
      for (; t + kIntTokens <= last; t += kIntTokens) {
        int_tile_tokens<E, kIntTokens>(args, tile, v, t, o, rows);
      }
      for (; t + 4 <= last; t += 4) int_tile_tokens<E, 4>(args, tile, v, t, o, rows);
      for (; t < last; ++t) int_tile_tokens<E, 1>(args, tile, v, t, o, rows);
    }
  }
}

// Few tokens: rows_int() of each instruction set multiplies up to four rows with one token.
template <DType E>
void few_tokens_int(const KernelArgs& args, std::int64_t first, std::int64_t last,
                    std::int64_t begin, std::int64_t end) {
  const float* bias = floats_of(args.in[2]);
  for (std::int64_t o = begin; o < end; o += 4) {
    const std::int64_t rows = end - o < 4 ? end - o : 4;
    for (std::int64_t t = first; t < last; ++t) {
      const auto* x = reinterpret_cast<const PackedGroup*>(row_bytes_of(args.in[3], t));
      float sums[4];
      if (rows == 4) {
        rows_int<E, 4>(args.in[1], o, x, sums);
      } else {
        for (std::int64_t r = 0; r < rows; ++r) rows_int<E, 1>(args.in[1], o + r, x, sums + r);
      }
      float* out = row_of(args.out, t) + o;
      for (std::int64_t r = 0; r < rows; ++r) out[r] = bias ? sums[r] + bias[o + r] : sums[r];
    }
  }
}

// Woven weights where there are any (woven.inl), else as they lie in the file.
template <DType E>
void matmul_int(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                std::int64_t end, unsigned char* scratch) {
  if (args.in[4].data) {
    return matmul_woven<E>(args, step, begin, end);
  }
  by_sequence(
      step,
      [&](std::int64_t first, std::int64_t last) {
        few_tokens_int<E>(args, first, last, begin, end);
      },
      [&](std::int64_t first, std::int64_t last) {
        many_tokens_int<E>(args, first, last, begin, end, scratch);
      });
}

// An item is a row of the weight; pieces begin at multiples of kTileRows.
void matmul(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
            unsigned char* scratch) {
  if (args.in[3].data) {
    switch (args.in[1].element) {
#define X(name, id, ...) \
  case DType::id:        \
    return matmul_int<DType::id>(args, step, begin, end, scratch);
      MNEME_BLOCK_TYPES(X)
#undef X
      case DType::q4_k:
        if (args.in[4].data) return matmul_woven<DType::q4_1>(args, step, begin, end);
        break;
      case DType::q5_k:
        if (args.in[4].data) return matmul_six_bits<DType::q5_k>(args, step, begin, end);
        break;
      case DType::q6_k:
        if (args.in[4].data) return matmul_six_bits<DType::q6_k>(args, step, begin, end);
        break;
      default:
        break;
    }
  }
  switch (args.in[1].element) {
    case DType::f32:
      return matmul_float<DType::f32>(args, step, begin, end, scratch);
    case DType::f16:
      return matmul_float<DType::f16>(args, step, begin, end, scratch);
    case DType::bf16:
      return matmul_float<DType::bf16>(args, step, begin, end, scratch);
    default:
      return matmul_decoded(args, step, begin, end, scratch);
  }
}

std::int64_t matmul_scratch(const KernelArgs& args) {
  const bool integers = args.in[3].stride > 0 && !is_k_quant(args.in[1].element);
  return integers ? matmul_int_scratch(args.in[1].cols) : matmul_float_scratch(args.in[1]);
}
