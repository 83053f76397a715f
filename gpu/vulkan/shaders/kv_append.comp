#version 450
// SPDX-License-Identifier: Apache-2.0
// kv_append: a key and a value a lane.
#include "common.glsl"

void main() {
  const uint all = row_count() * p.cols;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint to = state_row(Step(p.step).token[i / p.cols]) * p.cols + i % p.cols;
    set_state(p.in2, type_of(2), to, Floats(p.in0).v[i]);
    set_state(p.in3, type_of(3), to, Floats(p.in1).v[i]);
  }
}
