#version 450
// SPDX-License-Identifier: Apache-2.0
// matmul for many tokens, in 8-bit integers within a block of 32 values.
#include "common.glsl"
#include "matmul_tile.glsl"
#include "weights_int.glsl"

shared uint tile_w[8 * kOuts];               // [8 words of a block, outputs]
shared uint tile_x[8 * kTokens];             // [8 words of a block, tokens]
shared vec2 scales_w[kBlockScales * kOuts];  // [scales of a block, outputs]: and minimum
shared vec2 scales_x[kTokens];               // scale, scale times sum

void main() {
  float sums[16];
  for (uint i = 0; i < 16; ++i) sums[i] = 0.0;
  const uint blocks = p.cols / 32u;
  for (uint block = 0; block < blocks; ++block) {
    for (uint i = lane(); i < kOuts * 2u; i += lanes()) {
      const Weights w = load_weights(p.in1, tile_row(i / 2u), 2u * block + i % 2u);
      for (uint j = 0; j < 4; ++j) tile_w[(i % 2u * 4u + j) * kOuts + i / 2u] = w.words[j];
      if (i % 2u < kBlockScales) scales_w[i % 2u * kOuts + i / 2u] = vec2(w.scale, w.minimum);
    }
    for (uint i = lane(); i < kTokens * 2u; i += lanes()) {
      const Activations x = load_activations(tile_token(i / 2u), 2u * block + i % 2u);
      for (uint j = 0; j < 4; ++j) tile_x[(i % 2u * 4u + j) * kTokens + i / 2u] = x.words[j];
      if (i % 2u == 0u) scales_x[i / 2u] = x.scale;
    }
    barrier();
    [[unroll]] for (uint part = 0; part < kBlockScales; ++part) {
      int quants[16];
      for (uint i = 0; i < 16; ++i) quants[i] = 0;
      const uint words = 8u / kBlockScales;
      for (uint k = part * words; k < (part + 1u) * words; ++k) {
        uint w[4];
        for (uint j = 0; j < 4; ++j) w[j] = tile_w[k * kOuts + across() + j * kAcross];
        for (uint t = 0; t < 4; ++t) {
          const uint x = tile_x[k * kTokens + down() + t * kDown];
          for (uint j = 0; j < 4; ++j) quants[4 * t + j] += signed_dot(w[j], x, 0);
        }
      }
      for (uint t = 0; t < 4; ++t) {
        const vec2 x = scales_x[down() + t * kDown];
        for (uint j = 0; j < 4; ++j) {
          const vec2 w = scales_w[part * kOuts + across() + j * kAcross];
          sums[4 * t + j] += scaled(quants[4 * t + j], w.x, w.y, x);
        }
      }
    }
    barrier();
  }
  write_tile(sums);
}
