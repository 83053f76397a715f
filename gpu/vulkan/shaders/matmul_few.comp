#version 450
// SPDX-License-Identifier: Apache-2.0
// matmul for few tokens: a workgroup makes kRows values of the output for each of kTokens tokens.
// Reads each weight once for kTokens tokens: that is what bounds it.
#include "common.glsl"
#include "matmul_out.glsl"
#if defined(INTEGERS)
#include "weights_int.glsl"
#else
#include "weights.glsl"
#endif

layout(constant_id = 1) const uint kTokens = 1;
layout(constant_id = 2) const uint kRows = 1;

void main() {
  const uint first_row = (gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x) * kRows;
  if (first_row >= p.rows) return;
  const uint count = row_count();
  const uint first_token = gl_WorkGroupID.z * kTokens;
  uint x_rows[kTokens];
  float sums[kTokens * kRows];
  // Past the end the last is made again and not kept.
  [[unroll]] for (uint t = 0; t < kTokens; ++t) {
    x_rows[t] = min(first_token + t, count - 1u);
  }
  [[unroll]] for (uint i = 0; i < kTokens * kRows; ++i) sums[i] = 0.0;
  const uint pieces = (p.cols + kPieceValues - 1u) / kPieceValues;
  for (uint piece = lane(); piece < pieces; piece += lanes()) {
    Weights w[kRows];
    [[unroll]] for (uint r = 0; r < kRows; ++r) {
      w[r] = load_weights(p.in1, min(first_row + r, p.rows - 1u), piece);
    }
    [[unroll]] for (uint t = 0; t < kTokens; ++t) {
      const Activations x = load_activations(x_rows[t], piece);
      [[unroll]] for (uint r = 0; r < kRows; ++r) sums[t * kRows + r] += product(w[r], x);
    }
  }
  [[unroll]] for (uint t = 0; t < kTokens; ++t) {
    [[unroll]] for (uint r = 0; r < kRows; ++r) {
      const float sum = workgroup_sum(sums[t * kRows + r]);
      const uint row = first_row + r;
      if (lane() == 0u && first_token + t < count && row < p.rows) {
        write_output(first_token + t, row, sum);
      }
    }
  }
}
