#version 450
// SPDX-License-Identifier: Apache-2.0
// glu: a value a lane, or a block of 32 where it is also packed.
#include "common.glsl"
#include "pack.glsl"

USE_PARAMS(GluParams)

layout(constant_id = 1) const bool kPacks = false;  // also packed, for integer products
layout(constant_id = 2) const bool kWide = false;   // rows begin where vectors of 16 bytes may

// What e's exponent is in x / (1 + e^y).
float exponent(float x, int activation) {
  return activation == kSilu ? -x : -1.5957691216 * (x + 0.044715 * x * x * x);
}

void main() {
  const int activation = params().activation;
  const uint width = kPacks ? p.cols / 32u : p.cols;
  const uint all = row_count() * width;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint row = i / width;
    const uint column = (kPacks ? 32u : 1u) * (i % width);
    const uint a = row * p.cols + column;
    const uint b = row * p.cols + column;
    if (kPacks) {
      vec4 made[8];
      [[unroll]] for (uint j = 0; j < 8; ++j) {
        const vec4 gate = four_at(p.in0, a + 4u * j, kWide);
        vec4 power;
        [[unroll]] for (uint c = 0; c < 4; ++c) power[c] = exponent(gate[c], activation);
        made[j] = gate / (1.0 + exp(power)) * four_at(p.in1, b + 4u * j, kWide);
        set_four(p.out0, 32u * i + 4u * j, made[j], kWide);
      }
      pack_block(made, i);
    } else {
      const float gate = Floats(p.in0).v[a];
      Floats(p.out0).v[i] =
          gate / (1.0 + exp(exponent(gate, activation))) * Floats(p.in1).v[b];
    }
  }
}
