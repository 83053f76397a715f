#version 450
// SPDX-License-Identifier: Apache-2.0
// embed: eight values of a token's row a lane.
#include "common.glsl"
#include "weights.glsl"

void main() {
  const uint pieces = (p.cols + 7u) / 8u;
  const uint all = row_count() * pieces;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint row = i / pieces;
    const uint piece = i % pieces;
    const Weights w = load_weights(p.in0, Step(p.step).token[row].id, piece);
    for (uint j = 0; j < 8; ++j) {
      if (8u * piece + j >= p.cols) break;
      Floats(p.out0).v[row * p.cols + 8u * piece + j] = j < 4u ? w.low[j] : w.high[j - 4u];
    }
  }
}
