#version 450
// SPDX-License-Identifier: Apache-2.0
// Activations as 8-bit integers for the integer products: a block of 32 values a lane. Quants to
// p.out0, [tokens, cols]; to p.out1 of each block its scale and the scale times the sum of its
// quants. A quant is round(x / scale), the scale the largest magnitude / 127. NaN and infinity
// become a scale that is one, so that they reach the product.
#include "common.glsl"

layout(constant_id = 1) const bool kWide = false;  // rows begin where vectors of 16 bytes may

vec4 four_at(uint i) {
  if (kWide) return Float4s(p.in0).v[i / 4u];
  vec4 values;
  for (uint c = 0; c < 4; ++c) values[c] = Floats(p.in0).v[i + c];
  return values;
}

void main() {
  const uint blocks = p.cols / 32u;
  const uint all = row_count() * blocks;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint first = in_row(0, i / blocks) * p.cols + i % blocks * 32u;
    vec4 x[8];
    uvec4 largest = uvec4(0);  // of magnitudes as bits, which order them, NaN last
    for (uint j = 0; j < 8; ++j) {
      x[j] = four_at(first + 4u * j);
      largest = max(largest, floatBitsToUint(x[j]) & 0x7fffffffu);
    }
    const uint most = max(max(largest.x, largest.y), max(largest.z, largest.w));
    const float scale = uintBitsToFloat(most) / 127.0;
    // A subnormal scale has no finite inverse: such a block counts as zero.
    const bool normal = scale >= 1.17549435e-38 && most < 0x7f800000u;
    const float inverse = normal ? 1.0 / scale : 0.0;
    int sum = 0;
    for (uint j = 0; j < 8; ++j) {
      const ivec4 quants = normal ? ivec4(roundEven(x[j] * inverse)) : ivec4(0);
      sum += quants.x + quants.y + quants.z + quants.w;
      const uvec4 bytes = uvec4(quants) & 0xffu;
      Uints(p.out0).v[8u * i + j] = bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
    }
    Float2s(p.out1).v[i] = vec2(scale, scale * float(sum));
  }
}
