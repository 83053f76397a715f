// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/op_formulas.h"

#include <algorithm>
#include <cmath>
#include <cstring>
#include <numbers>
#include <utility>

#include "gpu/conformance/formula.h"

namespace mneme {

void add_product(Rows& out, const double* x, const double* x_errors, const double* w,
                 std::int64_t n, double bias, bool integer_activations) {
  double sum = bias;
  double magnitude = std::fabs(sum);
  double error = 0;     // of what ops before it made
  double variance = 0;  // of the rounding of activations: uniform over one step
  for (std::int64_t b = 0; b < n; b += 32) {
    double highest = 0;
    double squares = 0;
    for (std::int64_t i = b; i < std::min(n, b + 32); ++i) {
      sum += x[i] * w[i];
      magnitude += std::fabs(x[i] * w[i]);
      highest = std::max(highest, std::fabs(x[i]));
      error += std::fabs(w[i]) * x_errors[i];
      squares += w[i] * w[i];
    }
    variance += squares * (highest / 127) * (highest / 127) / 12;
  }
  double tolerance = error + magnitude * kEps * (8 + std::sqrt(static_cast<double>(n)));
  if (integer_activations) tolerance += 6 * std::sqrt(variance) + magnitude * 1e-5;
  out.add(sum, tolerance);
}

namespace {

constexpr double kHalfEps = 0x1p-11;  // of a float16

double silu(double x) {
  return x / (1 + std::exp(-x));
}

// 0.5 x (1 + tanh y), without what that sum cancels.
double gelu_tanh(double x) {
  return x / (1 + std::exp(-2 * std::sqrt(2 / std::numbers::pi) * (x + 0.044715 * x * x * x)));
}

double soft_cap(double x, double cap) {
  return cap > 0 ? cap * std::tanh(x / cap) : x;
}

double sum_of_squares(const double* x, std::int64_t n) {
  double sum = 0;
  for (std::int64_t i = 0; i < n; ++i) sum += x[i] * x[i];
  return sum;
}

double norm_scale(const double* x, std::int64_t n, double eps) {
  return 1 / std::sqrt(sum_of_squares(x, n) / static_cast<double>(n) + eps);
}

Rows embed(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values table = v.in(0);
  const std::int64_t n = v.cols(v.op.in[0]);
  for (std::int64_t t = 0; t < v.row_count; ++t) {
    for (std::int64_t i = 0; i < n; ++i) {
      const double x =
          table[static_cast<std::size_t>(v.h.lists().tokens[static_cast<std::size_t>(t)] * n + i)];
      out.add(x, 2 * kEps * (std::fabs(x) + 1));
    }
  }
  return out;
}

Rows rms_norm(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values x = v.in(0);
  const Values weight = v.in(1);
  const std::int64_t n = v.op.params.rms_norm.width;
  const std::int64_t cols = v.cols(v.op.in[0]);
  for (std::int64_t first = 0; first < v.row_count * cols; first += n) {
    const double* row = x.data() + first;
    const double scale = norm_scale(row, n, v.op.params.rms_norm.eps);
    for (std::int64_t i = 0; i < n; ++i) {
      const double y = row[i] * scale * weight[static_cast<std::size_t>(i)];
      out.add(y, std::fabs(y) * kEps * (8 + std::sqrt(static_cast<double>(n))));
    }
  }
  return out;
}

Rows matmul(const View& v, bool integer_activations) {
  Rows out{v.op.out, {}, {}};
  const Values x = v.in(0);
  const Values weight = v.in(1);
  const Values x_errors = v.errors(0);
  const bool bias = v.op.in.size() > 2;
  const Values offsets = bias ? v.in(2) : Values();
  const std::int64_t n = v.cols(v.op.in[1]);
  const std::int64_t outs = v.cols(v.op.out);
  for (std::int64_t t = 0; t < v.row_count; ++t) {
    for (std::int64_t o = 0; o < outs; ++o) {
      add_product(out, x.data() + t * n, x_errors.data() + t * n, weight.data() + o * n, n,
                  bias ? offsets[static_cast<std::size_t>(o)] : 0, integer_activations);
    }
  }
  return out;
}

Rows rope(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values x = v.in(0);
  const RopeParams& p = v.op.params.rope;
  const Values factors =
      v.op.in.size() > 1 ? v.in(1) : Values(static_cast<std::size_t>(p.dims / 2), 1.0);
  const std::int64_t n = v.cols(v.op.in[0]);
  for (std::int64_t t = 0; t < v.row_count; ++t) {
    for (std::int64_t c = 0; c < n; ++c) {
      const std::int64_t i = c % p.head_dim;
      const double self = x[static_cast<std::size_t>(t * n + c)];
      if (i >= p.dims) {
        out.add(self, 0);
        continue;
      }
      const std::int64_t half = p.dims / 2;
      const std::int64_t pair = p.halves ? i % half : i / 2;
      const bool second = p.halves ? i >= half : i % 2 == 1;
      const std::int64_t apart = p.halves ? half : 1;
      const double other = x[static_cast<std::size_t>(t * n + c + (second ? -apart : apart))];
      const double angle = static_cast<double>(v.h.position_of(t)) *
                           std::pow(p.base, -2.0 * static_cast<double>(pair) / p.dims) /
                           factors[static_cast<std::size_t>(pair)];
      const double turned = second ? self * std::cos(angle) + other * std::sin(angle)
                                   : self * std::cos(angle) - other * std::sin(angle);
      out.add(turned * p.magnitude, (std::fabs(self) + std::fabs(other)) * p.magnitude * kEps * 4);
    }
  }
  return out;
}

Rows attention(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values q = v.in(0);
  const Values k = v.in(1);
  const Values values = v.in(2);
  const AttentionParams& p = v.op.params.attention;
  const std::int64_t kv_width = v.cols(v.op.in[1]);
  const std::int64_t width = v.cols(v.op.in[0]);
  for (std::int64_t t = 0; t < v.row_count; ++t) {
    const std::int64_t length = v.h.position_of(t) + 1;
    const std::int64_t first_row = v.h.first_state_row(t);
    const std::int64_t first = p.window > 0 ? std::max<std::int64_t>(0, length - p.window) : 0;
    for (std::int64_t head = 0; head < p.n_heads; ++head) {
      const std::int64_t column = head / (p.n_heads / p.n_kv_heads) * p.head_dim;
      Values weights;
      double highest = -INFINITY;
      double score_magnitude = 0;
      for (std::int64_t s = first; s < length; ++s) {
        double score = 0;
        double magnitude = 0;
        for (std::int64_t i = 0; i < p.head_dim; ++i) {
          const double product =
              q[static_cast<std::size_t>(t * width + head * p.head_dim + i)] *
              k[static_cast<std::size_t>((first_row + s) * kv_width + column + i)];
          score += product;
          magnitude += std::fabs(product);
        }
        weights.push_back(soft_cap(score * p.scale, p.cap));
        highest = std::max(highest, weights.back());
        score_magnitude = std::max(score_magnitude, magnitude * p.scale);
      }
      double total = 0;
      for (double& w : weights) total += w = std::exp(w - highest);
      for (std::int64_t i = 0; i < p.head_dim; ++i) {
        double sum = 0;
        double magnitude = 0;
        for (std::int64_t s = first; s < length; ++s) {
          const double part =
              weights[static_cast<std::size_t>(s - first)] / total *
              values[static_cast<std::size_t>((first_row + s) * kv_width + column + i)];
          sum += part;
          magnitude += std::fabs(part);
        }
        // An error of a score is a relative error of its weight.
        const double sizes = std::sqrt(static_cast<double>(length - first)) +
                             std::sqrt(static_cast<double>(p.head_dim));
        out.add(sum, magnitude * kEps * (16 + 2 * sizes + 4 * p.cap) * (1 + 2 * score_magnitude));
      }
    }
  }
  return out;
}

Rows two_rows(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values a = v.in(0);
  const Values b = v.in(1);
  const Values a_errors = v.errors(0);
  const Values b_errors = v.errors(1);
  const std::int64_t n = v.cols(v.op.in[0]);
  for (std::int64_t i = 0; i < v.row_count * n; ++i) {
    const double x = a[static_cast<std::size_t>(i)];
    const double y = b[static_cast<std::size_t>(i)];
    const bool gelu = v.op.kind == OpKind::glu && v.op.params.glu.activation == kGeluTanh;
    const double z = v.op.kind == OpKind::add ? x + y : (gelu ? gelu_tanh(x) : silu(x)) * y;
    const double error =
        a_errors[static_cast<std::size_t>(i)] + b_errors[static_cast<std::size_t>(i)];
    out.add(z, v.op.kind == OpKind::add
                   ? std::fabs(z) * kEps + error
                   : std::fabs(z) * kEps * (8 + 2 * std::fabs(x) * (gelu ? 4 + x * x : 1)));
  }
  return out;
}

Rows scale(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values x = v.in(0);
  const ScaleParams& p = v.op.params.scale;
  const std::int64_t n = v.cols(v.op.in[0]);
  for (std::int64_t i = 0; i < v.row_count * n; ++i) {
    const double scaled = x[static_cast<std::size_t>(i)] * p.factor;
    out.add(soft_cap(scaled, p.cap), std::fabs(scaled) * kEps * 8 + p.cap * kEps * 4);
  }
  return out;
}

Rows output_rows(const View& v) {
  Rows out{v.op.out, {}, {}};
  const Values x = v.in(0);
  const std::int64_t n = v.cols(v.op.in[0]);
  for (const std::int32_t token : v.h.lists().outputs) {
    for (std::int64_t i = 0; i < n; ++i) out.add(x[static_cast<std::size_t>(token * n + i)], 0);
  }
  return out;
}

double e4m3(unsigned code) {
  const double sign = code & 0x80u ? -1 : 1;
  const int exponent = static_cast<int>(code >> 3 & 15u);
  const int mantissa = static_cast<int>(code & 7u);
  if ((code & 0x7fu) == 0x7fu) return NAN;
  return sign *
         (exponent == 0 ? std::ldexp(mantissa, -9) : std::ldexp(8 + mantissa, exponent - 10));
}

void decode_columns(const std::byte* rows, std::int64_t columns, std::int64_t dims, Rows& out) {
  const auto* at = reinterpret_cast<const unsigned char*>(rows);
  for (std::int64_t c = 0; c < columns; ++c, at += dims + dims / 32) {
    for (std::int64_t i = 0; i < dims; ++i) {
      const unsigned scale = at[dims + i / 32];
      const double exact =
          scale == 255 ? NAN : e4m3(at[i]) * std::ldexp(1.0, static_cast<int>(scale) - 127);
      out.add(static_cast<double>(static_cast<float>(exact)), 0);  // beyond float: infinity
    }
  }
}

std::vector<Rows> table_decode(const View& v) {
  Rows out{v.op.out, {}, {}};
  const TableDecodeParams& p = v.op.params.table_decode;
  const std::vector<std::byte> stored = v.h.bytes(v.op.in[0]);
  const std::int64_t row = v.cols(v.op.in[0]);
  if (v.op.in.size() == 1) {
    for (std::int64_t t = 0; t < v.row_count; ++t) {
      decode_columns(stored.data() + t * row, p.columns, p.column_dims, out);
    }
    return {out};
  }
  const std::vector<std::byte> index = v.h.bytes(v.op.in[1]);
  const std::vector<std::byte> cached = v.h.bytes(v.op.in[2]);
  const std::int64_t entry = v.cols(v.op.in[2]);
  const std::int64_t orders = v.cols(v.op.in[1]) / 2;
  Rows kept{v.op.in[2], v.in(2), Values(cached.size(), 0.0)};
  for (std::int64_t e = 0; e < v.h.rows(v.op.in[2]); ++e) {
    const auto first = kept.tolerances.begin() + e * entry;
    std::fill(first + row, first + entry, 256.0);  // whatever fills up the last word
  }
  for (std::int64_t i = 0; i < v.h.tokens() * orders; ++i) {
    RowLocation location;
    std::memcpy(&location, index.data() + i * std::int64_t{sizeof location}, sizeof location);
    const std::byte* ngram = location.from >= 0 ? stored.data() + location.from * row
                                                : cached.data() + ~location.from * entry;
    decode_columns(ngram, p.columns / orders, p.column_dims, out);
    if (location.keep < 0) continue;
    for (std::int64_t b = 0; b < row; ++b) {
      kept.values[static_cast<std::size_t>(location.keep * entry + b)] =
          std::to_integer<int>(ngram[b]);
    }
  }
  return {out, kept};
}

std::vector<Rows> engram_gate(const View& v) {
  Rows out{v.op.out, {}, {}};
  Rows gates{v.op.out2, {}, {}};
  const Values h = v.in(0);
  const Values key = v.in(1);
  const Values value = v.in(2);
  const Values key_norm = v.in(3);
  const Values query_norm = v.in(4);
  const std::int64_t dim = v.cols(v.op.in[2]);
  const std::int64_t streams = v.op.params.engram_gate.streams;
  for (std::int64_t t = 0; t < v.row_count; ++t) {
    for (std::int64_t g = 0; g < streams; ++g) {
      const std::int64_t at = (t * streams + g) * dim;
      const double key_scale = norm_scale(key.data() + at, dim, v.op.params.engram_gate.eps);
      const double h_scale = norm_scale(h.data() + at, dim, v.op.params.engram_gate.eps);
      double score = 0;
      double magnitude = 0;
      for (std::int64_t i = 0; i < dim; ++i) {
        const double part = key[static_cast<std::size_t>(at + i)] * key_scale *
                            key_norm[static_cast<std::size_t>(g * dim + i)] *
                            h[static_cast<std::size_t>(at + i)] * h_scale *
                            query_norm[static_cast<std::size_t>(g * dim + i)];
        score += part / std::sqrt(static_cast<double>(dim));
        magnitude += std::fabs(part) / std::sqrt(static_cast<double>(dim));
      }
      const double sign = score > 0 ? 1 : score < 0 ? -1 : 0;
      const double root = sign * std::sqrt(std::max(std::fabs(score), 1e-6));
      const double gate = 1 / (1 + std::exp(-root));
      // The root is steep near 0: an error e of the score is at most sqrt(e) of the root.
      const double score_error = magnitude * kEps * (16 + 2 * std::sqrt(static_cast<double>(dim)));
      const double root_error = std::min(std::sqrt(2 * score_error), score_error / std::fabs(root));
      const double gate_error = sign == 0 ? kEps : kEps * 4 + root_error / 4;
      gates.add(gate, gate_error);
      for (std::int64_t i = 0; i < dim; ++i) {
        const double x = value[static_cast<std::size_t>(t * dim + i)];
        out.add(gate * x, std::fabs(x) * (gate_error + kEps));
      }
    }
  }
  return {out, gates};
}

std::vector<Rows> short_conv(const View& v) {
  const Values h = v.in(0);
  const Values value = v.in(1);
  const Values value_errors = v.errors(1);
  const Values weight = v.in(2);
  const Values kernel = v.in(3);
  Values state = v.in(4);
  const std::int64_t width = v.cols(v.op.in[0]);
  const std::int64_t taps = v.cols(v.op.in[3]);
  const std::int64_t streams = v.op.params.short_conv.streams;
  const std::int64_t dim = width / streams;
  const double state_eps = v.h.dtype(v.op.in[4]) == DType::f16 ? kHalfEps : kEps;
  Values state_errors(state.size(), 0.0);  // that errors of the values bring
  Rows written{v.op.in[4], {}, {}};
  for (std::int64_t t = 0; t < v.h.tokens(); ++t) {
    for (std::int64_t c = 0; c < width; ++c) {
      const std::int64_t first = t * width + c / dim * dim;  // of the stream
      const double scale = norm_scale(value.data() + first, dim, v.op.params.short_conv.eps);
      const double size = std::sqrt(sum_of_squares(value.data() + first, dim));
      const double off = std::sqrt(sum_of_squares(value_errors.data() + first, dim));
      const auto at = static_cast<std::size_t>(t * width + c);
      const double factor = scale * weight[static_cast<std::size_t>(c)];
      const double x = value[at] * factor;
      const auto stored =
          static_cast<std::size_t>((v.h.first_state_row(t) + v.h.position_of(t)) * width + c);
      state[stored] = x;
      // Two errors add up: that of the value, and that of the norm's scale, whose relative error is
      // that of the row's length.
      if (off > 0) {
        state_errors[stored] = value_errors[at] * std::fabs(factor) + std::fabs(x) * off / size;
      }
      written.add(x, std::fabs(x) * (state_eps + kEps * (8 + std::sqrt(static_cast<double>(dim)))) +
                         0x1p-25 + state_errors[stored]);
    }
  }
  Rows out{v.op.out, {}, {}};
  Rows writes{v.op.out2, {}, {}};
  for (std::int64_t t = 0; t < v.h.tokens(); ++t) {
    for (std::int64_t g = 0; g < streams; ++g) {
      double added_square = 0;
      double h_square = 0;
      double error_square = 0;
      for (std::int64_t c = g * dim; c < (g + 1) * dim; ++c) {
        double sum = 0;
        double magnitude = 0;
        double brought = value_errors[static_cast<std::size_t>(t * width + c)];
        for (std::int64_t j = 0; j < taps; ++j) {
          const std::int64_t p =
              v.h.position_of(t) - (taps - 1 - j) * v.op.params.short_conv.dilation;
          if (p < 0) continue;
          const auto at = static_cast<std::size_t>((v.h.first_state_row(t) + p) * width + c);
          const double tap = kernel[static_cast<std::size_t>(c * taps + j)];
          sum += state[at] * tap;
          magnitude += std::fabs(state[at] * tap);
          brought += 1.1 * state_errors[at] * std::fabs(tap);  // silu is no steeper
        }
        const double before = h[static_cast<std::size_t>(t * width + c)];
        const double x = value[static_cast<std::size_t>(t * width + c)];
        const double added = x + silu(sum);
        const double error =
            magnitude * (2 * state_eps + kEps * (16 + std::sqrt(static_cast<double>(dim)))) +
            kEps * 4 * (std::fabs(x) + std::fabs(before) + std::fabs(sum)) + 0x1p-24 + brought;
        added_square += added * added;
        h_square += before * before;
        error_square += error * error;
        out.add(before + added, error);
      }
      const double write = h_square > 0 ? std::sqrt(added_square / h_square) : 0;
      writes.add(write, h_square > 0 ? std::sqrt(error_square / h_square) +
                                           write * kEps * (8 + std::sqrt(static_cast<double>(dim)))
                                     : 0);
    }
  }
  return {out, writes, written};
}

std::vector<Rows> kv_append(const View& v) {
  std::vector<Rows> all;
  for (std::size_t which = 0; which < 2; ++which) {
    Rows out{v.op.in[2 + which], {}, {}};
    const double eps = v.h.dtype(v.op.in[2 + which]) == DType::f16 ? kHalfEps : 0;
    for (const double x : v.in(which)) out.add(x, std::fabs(x) * eps + (eps > 0 ? 0x1p-25 : 0));
    all.push_back(out);
  }
  return all;
}

std::vector<Rows> rows_of(const View& v, bool integer_activations) {
  switch (v.op.kind) {
    case OpKind::embed:
      return {embed(v)};
    case OpKind::rms_norm:
      return {rms_norm(v)};
    case OpKind::matmul:
      return {matmul(v, integer_activations)};
    case OpKind::rope:
      return {rope(v)};
    case OpKind::kv_append:
      return kv_append(v);
    case OpKind::attention:
      return {attention(v)};
    case OpKind::glu:
    case OpKind::add:
      return {two_rows(v)};
    case OpKind::scale:
      return {scale(v)};
    case OpKind::output_rows:
      return {output_rows(v)};
    case OpKind::table_decode:
      return table_decode(v);
    case OpKind::engram_gate:
      return engram_gate(v);
    case OpKind::short_conv:
      return short_conv(v);
    case OpKind::route:
      return route(v);
    case OpKind::matmul_experts:
      return {matmul_experts(v, integer_activations)};
    case OpKind::weighted_sum:
      return {weighted_sum(v)};
  }
  return {};
}

}  // namespace

std::vector<Expected> expected_of(const OpHarness& harness, const std::vector<Op>& ops,
                                  bool integer_activations) {
  std::vector<Rows> made;
  std::vector<Expected> expected;
  const std::int64_t rows_written = harness.outputs() > 0 ? harness.outputs() : harness.tokens();
  for (const Op& op : ops) {
    for (Rows& rows : rows_of(View{harness, op, made, rows_written}, integer_activations)) {
      const TensorRole role = harness.role(rows.tensor);
      if (role == TensorRole::activation) {
        made.push_back(std::move(rows));
        continue;
      }
      if (role != TensorRole::state || op.kind == OpKind::table_decode) {
        expected.push_back({rows.tensor, 0, std::move(rows.values), std::move(rows.tolerances)});
        continue;
      }
      // A row a position, of each sequence elsewhere.
      const std::int64_t cols = harness.cols(rows.tensor);
      std::int64_t first = 0;
      for (const SequenceRun& run : harness.lists().runs) {
        const auto of_run = [&](const Values& all) {
          return Values(all.begin() + first * cols, all.begin() + (first + run.tokens) * cols);
        };
        expected.push_back({rows.tensor, run.sequence * harness.context() + run.position,
                            of_run(rows.values), of_run(rows.tolerances)});
        first += run.tokens;
      }
    }
  }
  return expected;
}

}  // namespace mneme
