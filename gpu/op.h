// SPDX-License-Identifier: Apache-2.0
// The operations a graph is made of. One line each: inputs in order, output, meaning. T is the
// number of tokens in the step, O that of its output tokens, D the model width, G the residual
// streams, M the memory width. [x] marks an optional input (kNoTensor when absent). Numbers that
// stand in a line without a tensor are those of op_params.h. To add an op: a line here, its scalar
// kernel in gpu/cpu, its rows in gpu/conformance/op_cases.cpp, then the other backends.
#pragma once

#include <cstdint>
#include <limits>
#include <string_view>
#include <vector>

#include "gpu/op_params.h"

namespace mneme {

using TensorId = std::uint32_t;
constexpr TensorId kNoTensor = std::numeric_limits<TensorId>::max();

enum class OpKind : std::uint8_t {
  embed,         // table [vocab, D] -> [T, D]: row of each token id of the step
  rms_norm,      // x [T, n * width], weight [1, width] -> same shape: of every `width` values
                 //   x / sqrt(mean(x^2) + eps) * weight
  matmul,        // x [T, in], weight [out, in], [bias [1, out]] -> [T, out]: x * weight^T + bias
  rope,          // x [T, heads * head_dim], [factors [1, dims / 2]] -> same shape: rotates
                 //   pair i of each head by position * base^(-2i / dims) / factor, times magnitude
  kv_append,     // k, v [T, kv_width] -> writes rows position.. of the states (in[2], in[3])
  attention,     // q [T, heads * head_dim], k state, v state [context, kv_width] -> [T, heads *
                 //   head_dim]: causal softmax(q k * scale) v, grouped heads, in a window
  glu,           // gate, up [T, F] -> [T, F]: activation(gate) * up
  add,           // a, b [T, n] -> [T, n]; out may be a
  scale,         // x [T, n] -> [T, n]: x * factor, capped softly; out may be x
  output_rows,   // x [T, n] -> [O, n]: the rows of the O tokens that the step has outputs for.
                 //   What is computed from them has O rows, too: norms, products, glu, add, scale
  table_decode,  // rows i8 [T, columns * (d + d/32)], [index, cached] -> [T, M]: e4m3 times one
                 //   e8m0 per 32 values. With index i32 [T, 2 * orders] and cached, a state i8
                 //   [entries, n-gram's bytes, rounded up to 4], the rows are whole n-grams: see
                 //   RowLocation
  engram_gate,   // h [T, G*D], key [T, G*D], value [T, D], key_norm [1, G*D], query_norm [1, G*D]
                 //   -> v [T, G*D] (out), gates [T, G] (out2): engram/SPEC.md, section 6, the
                 //   paper's
  short_conv,    // h [T, G*D], v [T, G*D], conv_norm [1, G*D], kernel [G*D, taps], state [context,
                 //   G*D] -> h + v + silu(conv(norm(v))) (out), writes [T, G] (out2):
                 //   engram/SPEC.md, section 7; write = |added| / |h| per stream
  route,         // logits [T, E], [bias [1, E]] -> ids i32 [T, K] (out), weights [T, K] (out2): of
                 //   the E experts those K with the largest score + bias, the largest first, and
                 //   their scores. See RouteParams
  matmul_experts,  // x [T, in] or [T, K * in], weight [E, out, in], ids i32 [T, K] -> [T, K * out]:
                   //   x, or its k-th part, times the matrix of the k-th chosen expert. An id
                   //   outside 0 .. E - 1 makes NaN
  weighted_sum,  // x [T, K * n], weights [T, K] -> [T, n]: the sum of weight k * part k of x
};
constexpr int kOpKindCount = 16;
std::string_view op_kind_name(OpKind kind);

// table_decode's index, for each order of each token: where the n-gram's rows are. No token of a
// step reads an entry that the step writes, so that nothing waits for the write.
struct RowLocation {
  std::int32_t from = 0;   // >= 0: row `from` of the step's n-grams; else entry ~from of `cached`
  std::int32_t keep = -1;  // the entry of `cached` that gets these rows, for later steps; -1 = none
};
static_assert(sizeof(RowLocation) == 8);

// Bytes of an entry of `cached`: shaders write whole words, and no word is in two entries.
constexpr std::int64_t cached_entry_bytes(std::int64_t ngram_bytes) {
  return (ngram_bytes + 3) / 4 * 4;
}

struct Op {
  OpKind kind;
  std::vector<TensorId> in;
  TensorId out = kNoTensor;
  TensorId out2 = kNoTensor;
  OpParams params;
  std::int32_t layer = -1;        // block the op belongs to, for drawing and timing; -1 = none
};

}  // namespace mneme
