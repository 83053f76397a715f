#version 450
// SPDX-License-Identifier: Apache-2.0
// rms_norm: a workgroup for what is normed together, a row or a head of it.
#include "common.glsl"
#include "pack.glsl"

USE_PARAMS(RmsNormParams)

layout(constant_id = 1) const bool kPacks = false;  // also packed, for integer products
layout(constant_id = 2) const bool kWide = false;   // rows begin where vectors of 16 bytes may

void main() {
  const uint width = uint(params().width);
  const uint first = gl_WorkGroupID.y * width;
  const uint x = gl_WorkGroupID.x * p.cols + first;
  float squares = 0.0;
  for (uint i = lane(); i < width; i += lanes()) {
    const float value = Floats(p.in0).v[x + i];
    squares = fma(value, value, squares);
  }
  const float scale = 1.0 / sqrt(workgroup_sum(squares) / float(width) + params().eps);
  const uint y = gl_WorkGroupID.x * p.cols + first;
  if (kPacks) {
    for (uint block = lane(); block < width / 32u; block += lanes()) {
      vec4 normed[8];
      [[unroll]] for (uint j = 0; j < 8; ++j) {
        const uint i = 32u * block + 4u * j;
        vec4 weights;
        [[unroll]] for (uint c = 0; c < 4; ++c) weights[c] = constant_at(p.in1, type_of(1), i + c);
        normed[j] = four_at(p.in0, x + i, kWide) * scale * weights;
        set_four(p.out0, y + i, normed[j], kWide);
      }
      pack_block(normed, y / 32u + block);
    }
    return;
  }
  for (uint i = lane(); i < width; i += lanes()) {
    Floats(p.out0).v[y + i] = Floats(p.in0).v[x + i] * scale * constant_at(p.in1, type_of(1), i);
  }
}
