#version 450
// SPDX-License-Identifier: Apache-2.0
// matmul for many tokens: a workgroup of kAcross x kDown lanes makes a tile of 4 kAcross outputs
// by 4 kDown tokens, each lane 4 x 4 of it, from 32 columns at a time in shared memory.
#include "common.glsl"
#include "weights.glsl"

layout(constant_id = 1) const uint kAcross = 16;
layout(constant_id = 2) const uint kDown = 16;

shared float tile_w[32 * 4 * kAcross];  // [32 columns, outputs]
shared float tile_x[32 * 4 * kDown];    // [32 columns, tokens]

void main() {
  const uint outs = 4u * kAcross;
  const uint tokens = 4u * kDown;
  const uint first_out = gl_WorkGroupID.x * outs;
  const uint first_token = gl_WorkGroupID.y * tokens;
  const uint count = row_count();
  const uint across = lane() % kAcross;
  const uint down = lane() / kAcross;
  float sums[16];
  for (uint i = 0; i < 16; ++i) sums[i] = 0.0;

  const uint pieces = (p.cols + 7u) / 8u;
  for (uint first_piece = 0; first_piece < pieces; first_piece += 4u) {
    for (uint i = lane(); i < outs * 4u; i += lanes()) {
      const uint piece = first_piece + i % 4u;
      float w[8];
      if (piece < pieces) {
        decode8(p.in1, min(first_out + i / 4u, p.rows - 1u), piece, w);
      } else {
        for (uint j = 0; j < 8; ++j) w[j] = 0.0;
      }
      for (uint j = 0; j < 8; ++j) tile_w[(i % 4u * 8u + j) * outs + i / 4u] = w[j];
    }
    for (uint i = lane(); i < tokens * 4u; i += lanes()) {
      const uint piece = first_piece + i % 4u;
      float x[8];
      if (piece < pieces) {
        load8(p.in0, in_row(0, min(first_token + i / 4u, count - 1u)), piece, x);
      } else {
        for (uint j = 0; j < 8; ++j) x[j] = 0.0;
      }
      for (uint j = 0; j < 8; ++j) tile_x[(i % 4u * 8u + j) * tokens + i / 4u] = x[j];
    }
    barrier();
    for (uint k = 0; k < 32; ++k) {
      float w[4];
      for (uint j = 0; j < 4; ++j) w[j] = tile_w[k * outs + across + j * kAcross];
      for (uint t = 0; t < 4; ++t) {
        const float x = tile_x[k * tokens + down + t * kDown];
        for (uint j = 0; j < 4; ++j) sums[4 * t + j] = fma(w[j], x, sums[4 * t + j]);
      }
    }
    barrier();
  }

  const bool bias = p.in2 != uvec2(0);
  for (uint t = 0; t < 4; ++t) {
    const uint token = first_token + down + t * kDown;
    for (uint j = 0; j < 4; ++j) {
      const uint row = first_out + across + j * kAcross;
      if (token >= count || row >= p.rows) continue;
      const float sum = sums[4 * t + j];
      Floats(p.out0).v[token * p.rows + row] =
          bias ? sum + constant_at(p.in2, type_of(2), row) : sum;
    }
  }
}
