#version 450
// SPDX-License-Identifier: Apache-2.0
// matmul for many tokens, in float32.
#include "common.glsl"
#include "matmul_tile.glsl"
#include "weights.glsl"

shared float tile_w[32 * kOuts];    // [32 columns, outputs]
shared float tile_x[32 * kTokens];  // [32 columns, tokens]

void main() {
  float sums[16];
  for (uint i = 0; i < 16; ++i) sums[i] = 0.0;
  const uint pieces = (p.cols + 7u) / 8u;
  for (uint first_piece = 0; first_piece < pieces; first_piece += 4u) {
    for (uint i = lane(); i < kOuts * 4u; i += lanes()) {
      const uint piece = first_piece + i % 4u;
      Weights w = Weights(vec4(0.0), vec4(0.0));
      if (piece < pieces) w = load_weights(p.in1, tile_row(i / 4u), piece);
      for (uint j = 0; j < 4; ++j) {
        tile_w[(i % 4u * 8u + j) * kOuts + i / 4u] = w.low[j];
        tile_w[(i % 4u * 8u + 4u + j) * kOuts + i / 4u] = w.high[j];
      }
    }
    for (uint i = lane(); i < kTokens * 4u; i += lanes()) {
      const uint piece = first_piece + i % 4u;
      Activations x = Activations(vec4(0.0), vec4(0.0));
      if (piece < pieces) x = load_activations(tile_token(i / 4u), piece);
      for (uint j = 0; j < 4; ++j) {
        tile_x[(i % 4u * 8u + j) * kTokens + i / 4u] = x.low[j];
        tile_x[(i % 4u * 8u + 4u + j) * kTokens + i / 4u] = x.high[j];
      }
    }
    barrier();
    for (uint k = 0; k < 32; ++k) {
      float w[4];
      for (uint j = 0; j < 4; ++j) w[j] = tile_w[k * kOuts + across() + j * kAcross];
      for (uint t = 0; t < 4; ++t) {
        const float x = tile_x[k * kTokens + down() + t * kDown];
        for (uint j = 0; j < 4; ++j) sums[4 * t + j] = fma(w[j], x, sums[4 * t + j]);
      }
    }
    barrier();
  }
  write_tile(sums);
}
