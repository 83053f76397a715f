// SPDX-License-Identifier: Apache-2.0
// What integer products read: blocks of quantised weights as GGUF stores them (gpu/tensor.h) beside
// activations that pack_int8.comp made, half a block of 32 values at a time. A weight is scale *
// quant + minimum, an activation scale * quant: the quants of 16 values meet in four dot products
// of four, and the minimum, of which a block has one, meets the sum of its activations. Where glslc is too old for
// GL_EXT_integer_dot_product, as Debian 12's is, the instruction is named by its number.
#extension GL_EXT_spirv_intrinsics : require

spirv_instruction(extensions = ["SPV_KHR_integer_dot_product"],
                  capabilities = [6019, 6018],  // DotProduct, DotProductInput4x8BitPacked
                  id = 4450)                    // OpSDot
int signed_dot(uint a, uint b, spirv_literal int format);  // 0: four bytes in a word

const uint kPieceValues = 16;

#if defined(WEIGHT_Q4_K) || defined(WEIGHT_Q5_K) || defined(WEIGHT_Q6_K)
#define K_QUANT
#include "k_quants.glsl"
#endif
#if defined(WEIGHT_Q6_K)
const uint kBlockScales = 2;  // one for each half
#else
const uint kBlockScales = 1;
#endif

struct Weights {
  uvec4 words;  // four signed bytes each
  float scale;
  float minimum;
};
struct Activations {
  uvec4 words;
  vec2 scale;  // and in a block's first half scale times the sum of the block's quants, else 0
};

// Half `piece` of row `row` of a matrix with p.cols columns.
Weights load_weights(uvec2 address, uint row, uint piece) {
#if defined(K_QUANT)
  const KPiece k = load_piece(address, row, piece);
  return Weights(k.words, k.scale, k.minimum);
#else
  const uint block = row * (p.cols / 32u) + piece / 2u;
  const uint second = piece & 1u;
  Weights w;
#if defined(WEIGHT_Q8_0)
  const uint at = block * 17u;
  for (uint j = 0; j < 4; ++j) w.words[j] = word_at(address, at + 1u + 8u * second + 2u * j);
  w.scale = float(Halfs(address).v[at]);
  w.minimum = 0.0;
#else
  // Values 0 to 15 of a block are the low nibbles of its 16 bytes, 16 to 31 the high ones: half of
  // the bytes give values 8 second .. and 16 + 8 second ..
#if defined(WEIGHT_Q4_0)
  const uint at = block * 9u;
  const uint quants = at + 1u + 4u * second;
  const uvec2 bytes = uvec2(word_at(address, quants), word_at(address, quants + 2u));
  w.scale = float(Halfs(address).v[at]);
  w.minimum = -8.0 * w.scale;
#elif defined(WEIGHT_Q4_1)
  const uint at = block * 5u;
  const uint quants = at + 1u + 2u * second;
  const uvec2 bytes = uvec2(Uints(address).v[quants], Uints(address).v[quants + 1u]);
  const vec2 both = unpackHalf2x16(Uints(address).v[at]);
  w.scale = both.x;
  w.minimum = both.y;
#endif
  w.words = uvec4(bytes, bytes >> 4) & 0x0f0f0f0fu;
#endif
  return w;
#endif
}

// The values that meet those weights, of packed row `row`: quants at p.in3, scales at p.in4.
Activations load_activations(uint row, uint piece) {
  const uint block = row * (p.cols / 32u) + piece / 2u;
  const uint second = piece & 1u;
  Activations x;
#if defined(WEIGHT_Q4_0) || defined(WEIGHT_Q4_1)
  x.words = uvec4(Uint2s(p.in3).v[4u * block + second], Uint2s(p.in3).v[4u * block + 2u + second]);
#else
  x.words = Uint4s(p.in3).v[2u * block + second];
#endif
  x.scale = Float2s(p.in4).v[block];
  if (second != 0u) x.scale.y = 0.0;
  return x;
}

float scaled(int quants, float w_scale, float w_minimum, vec2 x_scale) {
#if defined(WEIGHT_Q8_0) || defined(WEIGHT_Q6_K)
  return w_scale * x_scale.x * float(quants);
#else
  return w_scale * x_scale.x * float(quants) + w_minimum * x_scale.y;
#endif
}

float product(Weights w, Activations x) {
  int quants = 0;
  for (uint j = 0; j < 4; ++j) quants += signed_dot(w.words[j], x.words[j], 0);
  return scaled(quants, w.scale, w.minimum, x.scale);
}
