#version 450
// SPDX-License-Identifier: Apache-2.0
// Rows of activations in half precision for matmul_many_matrix.comp: halves at out0, each row
// padded with zeros to whole blocks of 32, and at out1 what its values were divided by: a power of
// two, more than 1 only where the row holds values beyond 2^15. Models have activations beyond
// 65504. A workgroup takes a row.
#include "common.glsl"

void main() {
  const uint i = gl_WorkGroupID.x;
  const uint first = i * p.cols;
  const uint padded = (p.cols + 31u) / 32u * 32u;
  // Magnitudes compare as their bits do; beyond all finite ones are infinity and NaN.
  uint largest = 0u;
  for (uint c = lane(); c < p.cols; c += lanes()) {
    largest = max(largest, floatBitsToUint(Floats(p.in0).v[first + c]) & 0x7fffffffu);
  }
  const float finite = largest < 0x7f800000u ? uintBitsToFloat(largest) : 0.0;
  const uint exponent = floatBitsToUint(workgroup_max(finite)) >> 23;
  const uint shift = exponent < 127u + 15u ? 0u : exponent - (127u + 14u);
  const float inverse = uintBitsToFloat((127u - shift) << 23);
  if (lane() == 0u) Floats(p.out1).v[i] = uintBitsToFloat((127u + shift) << 23);
  for (uint c = lane(); c < padded; c += lanes()) {
    const float value = c < p.cols ? Floats(p.in0).v[first + c] * inverse : 0.0;
    Halfs(p.out0).v[i * padded + c] = float16_t(value);
  }
}
