// SPDX-License-Identifier: Apache-2.0
// Weights as GGUF stores them (gpu/tensor.h), eight values of a row at a time. One of the WEIGHT_
// macros says which type the shader is compiled for.

// Where a type has no blocks, a row may end inside the eight values: the rest are zeros.
#if defined(WEIGHT_F32) || defined(WEIGHT_F16) || defined(WEIGHT_BF16)
#define ROWS_MAY_END
#endif

// Values 8 * piece .. of row `row` of the matrix at p.in1 (embed: p.in0), which has p.cols columns.
void decode8(uvec2 address, uint row, uint piece, out float w[8]) {
#if defined(ROWS_MAY_END)
  const uint first = 8u * piece;
  for (uint j = 0; j < 8; ++j) {
    const uint i = row * p.cols + min(first + j, p.cols - 1u);
#if defined(WEIGHT_F32)
    const float value = Floats(address).v[i];
#elif defined(WEIGHT_F16)
    const float value = float(Halfs(address).v[i]);
#else
    const float value = uintBitsToFloat(uint(Words(address).v[i]) << 16);
#endif
    w[j] = first + j < p.cols ? value : 0.0;
  }
#else
  const uint block = row * (p.cols / 32u) + piece / 4u;
  const uint quarter = piece & 3u;
#if defined(WEIGHT_Q8_0)
  const uint at = block * 17u;
  const float scale = float(Halfs(address).v[at]);
  for (uint j = 0; j < 4; ++j) {
    const int two = int(uint(Words(address).v[at + 1u + 4u * quarter + j]));
    w[2 * j] = scale * float(bitfieldExtract(two, 0, 8));
    w[2 * j + 1] = scale * float(bitfieldExtract(two, 8, 8));
  }
#else
  // Values 0 to 15 are the low nibbles of the 16 bytes, 16 to 31 the high ones.
  const uint shift = (quarter >> 1u) * 4u;
#if defined(WEIGHT_Q4_0)
  const uint at = block * 9u;
  const float scale = float(Halfs(address).v[at]);
  const float minimum = -8.0 * scale;
  const uint quants = at + 1u + 4u * (quarter & 1u);
#elif defined(WEIGHT_Q4_1)
  const uint at = block * 10u;
  const float scale = float(Halfs(address).v[at]);
  const float minimum = float(Halfs(address).v[at + 1u]);
  const uint quants = at + 2u + 4u * (quarter & 1u);
#endif
  for (uint j = 0; j < 4; ++j) {
    const uint two = uint(Words(address).v[quants + j]) >> shift;
    w[2 * j] = scale * float(two & 15u) + minimum;
    w[2 * j + 1] = scale * float(two >> 8 & 15u) + minimum;
  }
#endif
#endif
}

// Eight activations beside eight weights.
void load8(uvec2 address, uint row, uint piece, out float x[8]) {
  const uint first = 8u * piece;
  for (uint j = 0; j < 8; ++j) {
#if defined(ROWS_MAY_END)
    x[j] = first + j < p.cols ? Floats(address).v[row * p.cols + first + j] : 0.0;
#else
    x[j] = Floats(address).v[row * p.cols + first + j];
#endif
  }
}
