#version 450
// SPDX-License-Identifier: Apache-2.0
// Packs what an integer product reads, where no op before it did: a block of 32 values a lane.
#include "common.glsl"
#include "pack.glsl"

layout(constant_id = 1) const bool kWide = false;  // rows begin where vectors of 16 bytes may

void main() {
  const uint blocks = p.cols / 32u;
  const uint all = row_count() * blocks;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint first = i / blocks * p.cols + i % blocks * 32u;
    vec4 x[8];
    [[unroll]] for (uint j = 0; j < 8; ++j) x[j] = four_at(p.in0, first + 4u * j, kWide);
    pack_block(x, i);
  }
}
