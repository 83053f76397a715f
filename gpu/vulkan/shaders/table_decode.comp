#version 450
// SPDX-License-Identifier: Apache-2.0
// table_decode: a lane takes four bytes of a row, from the memory that the host wrote them to, and
// makes its values of them; so every byte is fetched from there once. CACHED: with an index, where
// rows are n-grams and the same lanes write those that are to be cached into the state.
#include "common.glsl"

USE_PARAMS(TableDecodeParams)

// Bytes at any address, as the words that they lie in.
struct Bytes {
  uvec2 words;  // address, a multiple of 4
  uint skip;    // bytes of the first word that lie before
};

// Row i of rows of `size` bytes; a state may have more of them than 32 bits count.
Bytes row_at(uvec2 base, uint i, uint size) {
  uint high;
  uint low;
  umulExtended(i, size, high, low);
  uint carry;
  const uint at = uaddCarry(base.x, low, carry);
  return Bytes(uvec2(at & ~3u, base.y + high + carry), at & 3u);
}

uint byte_at(Bytes row, uint i) {
  i += row.skip;
  return Uints(row.words).v[i >> 2] >> (8u * (i & 3u)) & 255u;
}

// Bytes i to i + 3 of a row of `size` bytes, i a multiple of 4; what lies behind the row's end is
// not looked at, unless it shares a word with it.
uint word_at(Bytes row, uint i, uint size) {
  const uint at = i >> 2;
  uint word = Uints(row.words).v[at] >> (8u * row.skip);
  if (row.skip > 0u && i + 4u - row.skip < size) {
    word |= Uints(row.words).v[at + 1u] << (32u - 8u * row.skip);
  }
  return word;
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

float scaled(float x, uint scale) {
  // In two steps, since 2^-127 is no normal float.
  const int exponent = int(scale) - 127;
  const int half_way = exponent >> 1;
  precise float value = x * power_of_two(half_way);
  value = value * power_of_two(exponent - half_way);
  return scale == 255u ? not_a_number() : value;
}

void main() {
  const uint dims = uint(params().column_dims);
  const uint columns = uint(params().columns);  // of a token
  const uint stored = dims + dims / 32u;
  const uint words = (p.cols + 3u) / 4u;  // of a row
#if defined(CACHED)
  const uint orders = columns * stored / p.cols;
#else
  const uint orders = 1u;
#endif
  const uint width = orders * words;
  const uint all = row_count() * width;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint order = i % width / words;
    const uint first = i % words * 4u;  // byte of the row
#if defined(CACHED)
    const uint location = 2u * (i / width * orders + order);
    const int from = int(Uints(p.in1).v[location]);
    const int keep = int(Uints(p.in1).v[location + 1u]);
    const Bytes row = from >= 0 ? row_at(p.in0, uint(from), p.cols)
                                : row_at(p.in2, uint(~from), 4u * words);
#else
    const Bytes row = row_at(p.in0, i / width, p.cols);
#endif
    const uint word = word_at(row, first, p.cols);
#if defined(CACHED)
    if (keep >= 0) Uints(row_at(p.in2, uint(keep), 4u * words).words).v[first / 4u] = word;
#endif
    const uint token = i / width * columns * dims;  // its first value
    for (uint k = 0u; k < 4u && first + k < p.cols; ++k) {
      const uint column = (first + k) / stored;
      const uint at = (first + k) % stored;
      if (at >= dims) continue;  // a scale
      const uint scale = byte_at(row, column * stored + dims + at / 32u);
      const uint value = (order * (columns / orders) + column) * dims + at;
      Floats(p.out0).v[token + value] = scaled(e4m3(word >> (8u * k) & 255u), scale);
    }
  }
}
