#version 450
// SPDX-License-Identifier: Apache-2.0
// output_rows: a value a lane. p.in1: the output tokens, written by the host for each step.
#include "common.glsl"

void main() {
  const uint all = row_count() * p.cols;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint token = Uints(p.in1).v[i / p.cols];
    Floats(p.out0).v[i] = Floats(p.in0).v[token * p.cols + i % p.cols];
  }
}
