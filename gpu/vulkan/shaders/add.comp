#version 450
// SPDX-License-Identifier: Apache-2.0
// add: a value a lane.
#include "common.glsl"

void main() {
  const uint all = row_count() * p.cols;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint row = i / p.cols;
    const uint column = i % p.cols;
    const float a = Floats(p.in0).v[row * p.cols + column];
    const float b = Floats(p.in1).v[row * p.cols + column];
    Floats(p.out0).v[i] = a + b;
  }
}
