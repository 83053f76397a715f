#version 450
// SPDX-License-Identifier: Apache-2.0
// matmul_experts: a workgroup makes kRows values of the output for a token and one of its experts.
#include "common.glsl"
#include "weights.glsl"

layout(constant_id = 1) const uint kRows = 1;

void main() {
  const uint groups = (p.rows + kRows - 1u) / kRows;  // of an expert
  const uint group = gl_WorkGroupID.x + gl_WorkGroupID.y * gl_NumWorkGroups.x;
  const uint chosen = p.taps;
  if (group >= groups * chosen) return;
  const uint first_row = group % groups * kRows;
  const uint pair = gl_WorkGroupID.z * chosen + group / groups;
  const uint expert = Uints(p.in2).v[pair];
  const bool exists = expert < p.depth;
  const uint x_row = (p.flags & 2u) != 0u ? pair : gl_WorkGroupID.z;
  float sums[kRows];
  [[unroll]] for (uint r = 0; r < kRows; ++r) sums[r] = 0.0;
  const uint pieces = exists ? (p.cols + kPieceValues - 1u) / kPieceValues : 0u;
  for (uint piece = lane(); piece < pieces; piece += lanes()) {
    const Activations x = load_activations(x_row, piece);
    [[unroll]] for (uint r = 0; r < kRows; ++r) {
      const uint row = expert * p.rows + min(first_row + r, p.rows - 1u);
      sums[r] += product(load_weights(p.in1, row, piece), x);
    }
  }
  [[unroll]] for (uint r = 0; r < kRows; ++r) {
    const float sum = workgroup_sum(sums[r]);
    if (lane() == 0u && first_row + r < p.rows) {
      Floats(p.out0).v[pair * p.rows + first_row + r] = exists ? sum : uintBitsToFloat(0x7fc00000u);
    }
  }
}
