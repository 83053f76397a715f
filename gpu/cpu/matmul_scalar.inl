// SPDX-License-Identifier: Apache-2.0
// The matrix product every other is tested against: each weight row is decoded to floats, then
// multiplied with every token. Eight partial sums keep the rounding error small.

constexpr std::int64_t kTileRows = 1;
constexpr std::int64_t kFewTokens = 1;

std::int64_t matmul_scratch(const KernelArgs& args) {
  return args.in[1].cols * 4;
}

void matmul(const KernelArgs& args, const KernelStep& step, std::int64_t begin, std::int64_t end,
            unsigned char* scratch) {
  const KernelTensor& weight = args.in[1];
  const float* bias = floats_of(args.in[2]);
  const std::int64_t n = weight.cols;
  float* row = reinterpret_cast<float*>(scratch);
  for (std::int64_t o = begin; o < end; ++o) {
    decode_row(weight.element, weight.data + o * weight.stride, n, row);
    for (std::int64_t t = 0; t < step.rows; ++t) {
      const float* x = row_of(args.in[0], t);
      float sums[8] = {};
      std::int64_t i = 0;
      for (; i + 8 <= n; i += 8) {
        for (int k = 0; k < 8; ++k) sums[k] += row[i + k] * x[i + k];
      }
      for (; i < n; ++i) sums[0] += row[i] * x[i];
      const float sum =
          ((sums[0] + sums[1]) + (sums[2] + sums[3])) + ((sums[4] + sums[5]) + (sums[6] + sums[7]));
      row_of(args.out, t)[o] = bias ? sum + bias[o] : sum;
    }
  }
}
