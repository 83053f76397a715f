#version 450
// SPDX-License-Identifier: Apache-2.0
// scale: a value a lane.
#include "common.glsl"

USE_PARAMS(ScaleParams)

void main() {
  const float factor = params().factor;
  const float cap = params().cap;
  const uint all = row_count() * p.cols;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const float x = Floats(p.in0).v[i / p.cols * p.cols + i % p.cols] * factor;
    Floats(p.out0).v[i] = soft_cap(x, cap);
  }
}
