#version 450
// SPDX-License-Identifier: Apache-2.0
// weighted_sum: a value a lane.
#include "common.glsl"

void main() {
  const uint parts = p.taps;
  const uint width = p.cols / parts;
  const uint all = row_count() * width;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint row = i / width;
    float sum = 0.0;
    for (uint k = 0; k < parts; ++k) {
      sum = fma(Floats(p.in0).v[row * p.cols + k * width + i % width],
                Floats(p.in1).v[row * parts + k], sum);
    }
    Floats(p.out0).v[i] = sum;
  }
}
