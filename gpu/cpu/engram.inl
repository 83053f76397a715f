// SPDX-License-Identifier: Apache-2.0
// The memory's own ops: engram/SPEC.md, sections 6, 7 and 10 (e4m3 and e8m0).

// Sign, 4 exponent bits (bias 7), 3 mantissa bits; no infinities, 0x7f and 0xff are NaN.
MNEME_INLINE float e4m3_to_float(unsigned char code) {
  const std::uint32_t sign = static_cast<std::uint32_t>(code & 0x80u) << 24;
  const std::uint32_t exponent = (code >> 3) & 15u;
  const std::uint32_t mantissa = code & 7u;
  if ((code & 0x7fu) == 0x7fu) return bits_to_float(sign | 0x7fc00000u);
  if (exponent == 0) {
    const float value = static_cast<float>(mantissa) * 0x1p-9f;
    return sign ? -value : value;
  }
  return bits_to_float(sign | ((exponent + 120u) << 23) | (mantissa << 20));
}

// 2^(code - 127); 255 is NaN. Code 0 is a subnormal float.
MNEME_INLINE float e8m0_to_float(unsigned char code) {
  if (code == 255) return bits_to_float(0x7fc00000u);
  return code == 0 ? 0x1p-127f : bits_to_float(static_cast<std::uint32_t>(code) << 23);
}

void decode_columns(const unsigned char* row, std::int64_t columns, std::int64_t dims, float* out) {
  for (std::int64_t column = 0; column < columns; ++column) {
    const unsigned char* scales = row + dims;
    for (std::int64_t i = 0; i < dims; ++i) {
      out[i] = e4m3_to_float(row[i]) * e8m0_to_float(scales[i / 32]);
    }
    row += dims + dims / 32;
    out += dims;
  }
}

void table_decode(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
                  unsigned char*) {
  const KernelTensor& index = args.in[1];
  const KernelTensor& cached = args.in[2];
  const std::int64_t orders = index.data != nullptr ? index.cols / 2 : 1;
  const std::int64_t columns = args.params.table_decode.columns / orders;
  for (std::int64_t t = begin; t < end; ++t) {
    float* out = row_of(args.out, t);
    if (index.data == nullptr) {
      decode_columns(row_bytes_of(args.in[0], t), columns, args.params.table_decode.column_dims,
                     out);
      continue;
    }
    const auto* locations = reinterpret_cast<const std::int32_t*>(row_bytes_of(index, t));
    for (std::int64_t order = 0; order < orders; ++order) {
      const std::int32_t from = locations[2 * order];
      const std::int32_t keep = locations[2 * order + 1];
      const unsigned char* row =
          from >= 0 ? args.in[0].data + from * args.in[0].stride
                    : cached.data + (-1 - static_cast<std::int64_t>(from)) * cached.stride;
      decode_columns(row, columns, args.params.table_decode.column_dims,
                     out + order * columns * args.params.table_decode.column_dims);
      if (keep < 0) continue;
      std::memcpy(cached.data + keep * cached.stride, row,
                  static_cast<std::size_t>(args.in[0].cols));
    }
  }
}

void engram_gate(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
                 unsigned char*) {
  const std::int64_t dim = args.in[2].cols;  // D
  for (std::int64_t t = begin; t < end; ++t) {
    const float* value = row_of(args.in[2], t);
    for (std::int64_t stream = 0; stream < args.params.engram_gate.streams; ++stream) {
      const std::int64_t column = stream * dim;
      const float* h = row_of(args.in[0], t) + column;
      const float* key = row_of(args.in[1], t) + column;
      const float* key_norm = floats_of(args.in[3]) + column;
      const float* query_norm = floats_of(args.in[4]) + column;
      Vec sum = v_set(0);
      for (std::int64_t i = 0; i < dim; i += kLanes) {
        const std::int64_t n = dim - i;
        const Vec k = v_mul(v_load_n(key + i, n), v_load_n(key_norm + i, n));
        const Vec q = v_mul(v_load_n(h + i, n), v_load_n(query_norm + i, n));
        sum = v_fma(k, q, sum);
      }
      const float score = v_sum(sum) * norm_scale(key, dim, args.params.engram_gate.eps) *
                          norm_scale(h, dim, args.params.engram_gate.eps) /
                          std::sqrt(static_cast<float>(dim));
      const float magnitude = std::fabs(score);
      const float root = std::sqrt(magnitude > 1e-6f || score != score ? magnitude : 1e-6f);
      const float signed_root = score == 0 ? 0.0f : score > 0 ? root : -root;
      const float gate = 1.0f / (1.0f + std::exp(-signed_root));
      row_of(args.out2, t)[stream] = gate;
      float* out = row_of(args.out, t) + column;
      for (std::int64_t i = 0; i < dim; i += kLanes) {
        v_store_n(out + i, v_mul(v_load_n(value + i, dim - i), v_set(gate)), dim - i);
      }
    }
  }
}

void short_conv_append(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                       std::int64_t end, unsigned char*) {
  const std::int64_t dim = args.in[4].cols / args.params.short_conv.streams;
  for (std::int64_t t = begin; t < end; ++t) {
    const KernelRun& run = run_of(step, t);
    const KernelTensor state = part_of(args.in[4], run);
    const float* v = row_of(args.in[1], t);
    const float* weight = floats_of(args.in[2]);
    unsigned char* row = row_bytes_of(state, position_of(run, t));
    for (std::int64_t first = 0; first < state.cols; first += dim) {
      const Vec scale = v_set(norm_scale(v + first, dim, args.params.short_conv.eps));
      for (std::int64_t i = first; i < first + dim; i += kLanes) {
        const std::int64_t n = first + dim - i;
        const Vec normed = v_mul(v_mul(v_load_n(v + i, n), scale), v_load_n(weight + i, n));
        if (state.element == DType::f16) {
          v_store_half_n(row + 2 * i, normed, n);
        } else {
          v_store_n(reinterpret_cast<float*>(row) + i, normed, n);
        }
      }
    }
  }
}

void short_conv(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                std::int64_t end, unsigned char*) {
  const std::int64_t taps = args.in[3].rows;
  const std::int64_t dim = args.in[4].cols / args.params.short_conv.streams;
  for (std::int64_t t = begin; t < end; ++t) {
    const KernelRun& run = run_of(step, t);
    const KernelTensor state = part_of(args.in[4], run);
    const float* h = row_of(args.in[0], t);
    const float* v = row_of(args.in[1], t);
    float* out = row_of(args.out, t);
    for (std::int64_t stream = 0; stream < args.params.short_conv.streams; ++stream) {
      Vec added_square = v_set(0);
      Vec h_square = v_set(0);
      for (std::int64_t i = stream * dim; i < (stream + 1) * dim; i += kLanes) {
        const std::int64_t n = (stream + 1) * dim - i;
        Vec sum = v_set(0);
        for (std::int64_t tap = 0; tap < taps; ++tap) {
          const std::int64_t p =
              position_of(run, t) - (taps - 1 - tap) * args.params.short_conv.dilation;
          if (p < 0) continue;  // zeros before the start
          sum = v_fma(load_state_n(state, row_bytes_of(state, p), i, n),
                      v_load_n(floats_of(args.in[3]) + tap * state.cols + i, n), sum);
        }
        const Vec added = v_add(v_load_n(v + i, n), v_silu(sum));
        const Vec before = v_load_n(h + i, n);
        added_square = v_fma(added, added, added_square);
        h_square = v_fma(before, before, h_square);
        v_store_n(out + i, v_add(before, added), n);
      }
      const float h_norm = std::sqrt(v_sum(h_square));
      row_of(args.out2, t)[stream] = h_norm > 0 ? std::sqrt(v_sum(added_square)) / h_norm : 0;
    }
  }
}
