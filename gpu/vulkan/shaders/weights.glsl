// SPDX-License-Identifier: Apache-2.0
// What products read: weights as GGUF stores them (gpu/tensor.h) beside float activations, a piece
// of eight values of a row at a time. A WEIGHT_ macro, K_QUANT and the BLOCK_ macros of
// CMakeLists.txt say which type the shader is compiled for. weights_int.glsl has the same names for integers.

layout(constant_id = 3) const bool kWide = false;  // rows begin where vectors of 16 bytes may

const uint kPieceValues = 8;

// Where a type has no blocks, a row may end inside the eight values: the rest are zeros.
#if defined(K_QUANT)
#include "k_quants.glsl"
#elif defined(BLOCK_BITS)
#include "blocks.glsl"
#else
#define ROWS_MAY_END
#endif

struct Weights {
  vec4 low, high;
};
struct Activations {
  vec4 low, high;
};

#if defined(ROWS_MAY_END)
float weight_at(uvec2 address, uint i) {
#if defined(WEIGHT_F32)
  return Floats(address).v[i];
#elif defined(WEIGHT_F16)
  return float(Halfs(address).v[i]);
#else
  return uintBitsToFloat(uint(Words(address).v[i]) << 16);
#endif
}

// Eight values from i on, where vectors may lie.
Weights wide_weights(uvec2 address, uint i) {
#if defined(WEIGHT_F32)
  return Weights(Float4s(address).v[i / 4u], Float4s(address).v[i / 4u + 1u]);
#else
  const uvec4 words = Uint4s(address).v[i / 8u];
#if defined(WEIGHT_F16)
  return Weights(vec4(unpackHalf2x16(words.x), unpackHalf2x16(words.y)),
                 vec4(unpackHalf2x16(words.z), unpackHalf2x16(words.w)));
#else
  const uvec4 even = words << 16;
  const uvec4 odd = words & 0xffff0000u;
  return Weights(uintBitsToFloat(uvec4(even.x, odd.x, even.y, odd.y)),
                 uintBitsToFloat(uvec4(even.z, odd.z, even.w, odd.w)));
#endif
#endif
}
#endif

// Values 8 piece .. of row `row` of a matrix with p.cols columns.
Weights load_weights(uvec2 address, uint row, uint piece) {
  Weights w;
#if defined(ROWS_MAY_END)
  const uint first = row * p.cols + 8u * piece;
  if (kWide) return wide_weights(address, first);
  const uint left = p.cols - 8u * piece;
  for (uint j = 0; j < 4; ++j) {
    w.low[j] = j < left ? weight_at(address, first + j) : 0.0;
    w.high[j] = 4u + j < left ? weight_at(address, first + 4u + j) : 0.0;
  }
#elif defined(K_QUANT)
  const KPiece k = load_piece(address, row, piece);
  for (int j = 0; j < 4; ++j) {
    w.low[j] = k.scale * float(bitfieldExtract(int(k.words.x), 8 * j, 8)) + k.minimum;
    w.high[j] = k.scale * float(bitfieldExtract(int(k.words.y), 8 * j, 8)) + k.minimum;
  }
#else
  const uint block = row * (p.cols / 32u) + piece / 4u;
  const uint quarter = piece & 3u;
  const vec2 scale = block_scale(address, block);
  const uvec2 words = block_quarter(address, block, quarter);
  for (int j = 0; j < 4; ++j) {
    w.low[j] = scale.x * float(code_at(words.x, j)) + scale.y;
    w.high[j] = scale.x * float(code_at(words.y, j)) + scale.y;
  }
#endif
  return w;
}

// Values 8 piece .. of row `row` of the activations.
Activations load_activations(uint row, uint piece) {
  const uint first = row * p.cols + 8u * piece;
  if (kWide) return Activations(Float4s(p.in0).v[first / 4u], Float4s(p.in0).v[first / 4u + 1u]);
  Activations x;
  for (uint j = 0; j < 4; ++j) {
#if defined(ROWS_MAY_END)
    const uint left = p.cols - 8u * piece;
    x.low[j] = j < left ? Floats(p.in0).v[first + j] : 0.0;
    x.high[j] = 4u + j < left ? Floats(p.in0).v[first + 4u + j] : 0.0;
#else
    x.low[j] = Floats(p.in0).v[first + j];
    x.high[j] = Floats(p.in0).v[first + 4u + j];
#endif
  }
  return x;
}

float product(Weights w, Activations x) {
  return dot(w.low, x.low) + dot(w.high, x.high);
}
