// SPDX-License-Identifier: Apache-2.0
// Activations as 8-bit integers for the integer products, in blocks of 32 values. A quant is
// round(x / scale), the scale the largest magnitude / 127. NaN and infinity become a scale that is
// one, so that they reach the product.

// Packs a row's 32 values x as block `block` of all rows: quants to p.out1, [tokens, cols]; to
// p.out2, [tokens, blocks], the scale and the scale times the sum of the quants.
void pack_block(vec4 x[8], uint block) {
  uvec4 largest = uvec4(0);  // of magnitudes as bits, which order them, NaN last
  [[unroll]] for (uint j = 0; j < 8; ++j) {
    largest = max(largest, floatBitsToUint(x[j]) & 0x7fffffffu);
  }
  const uint most = max(max(largest.x, largest.y), max(largest.z, largest.w));
  const float scale = uintBitsToFloat(most) / 127.0;
  // A subnormal scale has no finite inverse: such a block counts as zero.
  const bool normal = scale >= 1.17549435e-38 && most < 0x7f800000u;
  const float inverse = normal ? 1.0 / scale : 0.0;
  int sum = 0;
  [[unroll]] for (uint j = 0; j < 8; ++j) {
    const ivec4 quants = normal ? ivec4(roundEven(x[j] * inverse)) : ivec4(0);
    sum += quants.x + quants.y + quants.z + quants.w;
    const uvec4 bytes = uvec4(quants) & 0xffu;
    Uints(p.out1).v[8u * block + j] = bytes.x | bytes.y << 8 | bytes.z << 16 | bytes.w << 24;
  }
  Float2s(p.out2).v[block] = vec2(scale, scale * float(sum));
}
