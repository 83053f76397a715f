#version 450
// SPDX-License-Identifier: Apache-2.0
// kv_append: a key and a value a lane.
#include "common.glsl"

void main() {
  const uint all = row_count() * p.cols;
  const uint first = Step(p.step).position * p.cols;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    set_state(p.in2, type_of(2), first + i, Floats(p.in0).v[i]);
    set_state(p.in3, type_of(3), first + i, Floats(p.in1).v[i]);
  }
}
