#version 450
// SPDX-License-Identifier: Apache-2.0
// table_decode: a value a lane. Rows are bytes at any address; they are read from the memory that
// the host wrote them to, each once.
#include "common.glsl"

uint byte_at(uint i) {
  return Uints(p.in0).v[i >> 2] >> (8u * (i & 3u)) & 255u;
}

float not_a_number() {
  return uintBitsToFloat(0x7fc00000u);
}

// Sign, 4 exponent bits (bias 7), 3 mantissa bits; no infinities, 0x7f and 0xff are NaN.
float e4m3(uint code) {
  const uint exponent = code >> 3 & 15u;
  const uint mantissa = code & 7u;
  if ((code & 0x7fu) == 0x7fu) return not_a_number();
  const float size = exponent == 0u ? float(mantissa) * 0.001953125
                                    : uintBitsToFloat((exponent + 120u) << 23 | mantissa << 20);
  return (code & 0x80u) != 0u ? -size : size;
}

float power_of_two(int exponent) {
  return uintBitsToFloat(uint(exponent + 127) << 23);
}

void main() {
  const uint dims = p.column_dims;
  const uint stored = dims + dims / 32u;
  const uint width = p.columns * dims;
  const uint all = row_count() * width;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint row = in_row(0, i / width);
    const uint column = i % width / dims;
    const uint at = i % dims;
    const uint first = (row * p.columns + column) * stored;
    const uint scale = byte_at(first + dims + at / 32u);
    // In two steps, since 2^-127 is no normal float.
    const int exponent = int(scale) - 127;
    const int half_way = exponent >> 1;
    precise float value = e4m3(byte_at(first + at)) * power_of_two(half_way);
    value = value * power_of_two(exponent - half_way);
    Floats(p.out0).v[i] = scale == 255u ? not_a_number() : value;
  }
}
