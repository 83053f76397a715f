// SPDX-License-Identifier: Apache-2.0
// Ops on one token's row at a time.

void embed(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
           unsigned char*) {
  const KernelTensor& table = args.in[0];
  for (std::int64_t t = begin; t < end; ++t) {
    decode_row(table.element, table.data + step.ids[t] * table.stride, table.cols,
               row_of(args.out, t));
  }
}

void rms_norm(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
              unsigned char*) {
  const std::int64_t n = args.params.rms_norm.width;
  const float* weight = floats_of(args.in[1]);
  for (std::int64_t t = begin; t < end; ++t) {
    for (std::int64_t first = 0; first < args.out.cols; first += n) {
      const float* x = row_of(args.in[0], t) + first;
      float* out = row_of(args.out, t) + first;
      const Vec scale = v_set(norm_scale(x, n, args.params.rms_norm.eps));
      for (std::int64_t i = 0; i < n; i += kLanes) {
        const Vec normed = v_mul(v_load_n(x + i, n - i), scale);
        v_store_n(out + i, v_mul(normed, v_load_n(weight + i, n - i)), n - i);
      }
    }
  }
}

void rope(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
          unsigned char*) {
  const RopeParams& p = args.params.rope;
  const std::int64_t pairs = p.dims / 2;
  const std::int64_t from_pair = p.halves ? 1 : 2;  // from one pair's first value to the next one's
  const std::int64_t within = p.halves ? pairs : 1;  // from a pair's first value to its second
  for (std::int64_t t = begin; t < end; ++t) {
    const float* x = row_of(args.in[0], t);
    float* out = row_of(args.out, t);
    const float* cosine = row_of(args.in[1], t);
    const float* sine = cosine + pairs;
    for (std::int64_t head = 0; head < args.out.cols; head += p.head_dim) {
      for (std::int64_t i = 0; i < pairs; ++i) {
        const std::int64_t first = head + i * from_pair;
        const float a = x[first];
        const float b = x[first + within];
        out[first] = a * cosine[i] - b * sine[i];
        out[first + within] = a * sine[i] + b * cosine[i];
      }
      for (std::int64_t i = p.dims; i < p.head_dim; ++i) out[head + i] = x[head + i];
    }
  }
}

void glu(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
         unsigned char*) {
  const std::int64_t n = args.out.cols;
  const bool silu = args.params.glu.activation == kSilu;
  for (std::int64_t t = begin; t < end; ++t) {
    const float* gate = row_of(args.in[0], t);
    const float* up = row_of(args.in[1], t);
    float* out = row_of(args.out, t);
    for (std::int64_t i = 0; i < n; i += kLanes) {
      const Vec x = v_load_n(gate + i, n - i);
      v_store_n(out + i, v_mul(silu ? v_silu(x) : v_gelu_tanh(x), v_load_n(up + i, n - i)), n - i);
    }
  }
}

void add(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
         unsigned char*) {
  const std::int64_t n = args.out.cols;
  for (std::int64_t t = begin; t < end; ++t) {
    const float* a = row_of(args.in[0], t);
    const float* b = row_of(args.in[1], t);
    float* out = row_of(args.out, t);
    for (std::int64_t i = 0; i < n; i += kLanes) {
      v_store_n(out + i, v_add(v_load_n(a + i, n - i), v_load_n(b + i, n - i)), n - i);
    }
  }
}

void scale(const KernelArgs& args, const KernelStep&, std::int64_t begin, std::int64_t end,
           unsigned char*) {
  const ScaleParams& p = args.params.scale;
  for (std::int64_t t = begin; t < end; ++t) {
    const float* x = row_of(args.in[0], t);
    float* out = row_of(args.out, t);
    for (std::int64_t i = 0; i < args.out.cols; ++i) out[i] = soft_cap(x[i] * p.factor, p.cap);
  }
}

void output_rows(const KernelArgs& args, const KernelStep& step, std::int64_t begin,
                 std::int64_t end, unsigned char*) {
  for (std::int64_t i = begin; i < end; ++i) {
    std::memcpy(row_of(args.out, i), row_of(args.in[0], step.outputs[i]),
                static_cast<std::size_t>(args.out.cols) * sizeof(float));
  }
}
