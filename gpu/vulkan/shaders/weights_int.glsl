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

#if defined(K_QUANT)
#include "k_quants.glsl"
#else
#include "blocks.glsl"
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
  const vec2 scale = block_scale(address, block);
  return Weights(block_half(address, block, piece & 1u), scale.x, scale.y);
#endif
}

// The values that meet those weights, of packed row `row`: quants at p.in3, scales at p.in4.
Activations load_activations(uint row, uint piece) {
  const uint block = row * (p.cols / 32u) + piece / 2u;
  const uint second = piece & 1u;
  Activations x;
#if defined(BLOCK_BITS) && BLOCK_BITS < 8
  x.words = uvec4(Uint2s(p.in3).v[4u * block + second], Uint2s(p.in3).v[4u * block + 2u + second]);
#else
  x.words = Uint4s(p.in3).v[2u * block + second];
#endif
  x.scale = Float2s(p.in4).v[block];
  if (second != 0u) x.scale.y = 0.0;
  return x;
}

float scaled(int quants, float w_scale, float w_minimum, vec2 x_scale) {
#if defined(WEIGHT_Q6_K) || (defined(BLOCK_BITS) && BLOCK_BITS == 8)
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
