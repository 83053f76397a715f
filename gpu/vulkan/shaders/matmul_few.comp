#version 450
// SPDX-License-Identifier: Apache-2.0
// matmul for few tokens: a workgroup makes one value of the output for each of kTokens tokens.
// Reads each weight once for kTokens tokens: that is what bounds it.
#include "common.glsl"
#include "weights.glsl"

layout(constant_id = 1) const uint kTokens = 1;

void main() {
  const uint row = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
  if (row >= p.rows) return;
  const uint count = row_count();
  const uint first = gl_WorkGroupID.z * kTokens;
  uint x_rows[kTokens];
  float sums[kTokens];
  for (uint t = 0; t < kTokens; ++t) {
    x_rows[t] = in_row(0, min(first + t, count - 1u));  // past the end: made again, not kept
    sums[t] = 0.0;
  }
  for (uint piece = lane(); piece < (p.cols + 7u) / 8u; piece += lanes()) {
    float w[8];
    decode8(p.in1, row, piece, w);
    for (uint t = 0; t < kTokens; ++t) {
      float x[8];
      load8(p.in0, x_rows[t], piece, x);
      for (uint j = 0; j < 8; ++j) sums[t] = fma(w[j], x[j], sums[t]);
    }
  }
  const bool bias = p.in2 != uvec2(0);
  for (uint t = 0; t < kTokens; ++t) {
    const float sum = workgroup_sum(sums[t]);
    if (lane() == 0u && first + t < count) {
      Floats(p.out0).v[(first + t) * p.rows + row] =
          bias ? sum + constant_at(p.in2, type_of(2), row) : sum;
    }
  }
}
