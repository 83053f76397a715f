#version 450
// SPDX-License-Identifier: Apache-2.0
// rope: a pair a lane. The host writes cosines and sines for each step (p.in1, [T, dims]:
// cosines, then sines): Vulkan promises too little of its own for large angles.
#include "common.glsl"

USE_PARAMS(RopeParams)

void main() {
  const uint head_dim = uint(params().head_dim);
  const uint dims = uint(params().dims);
  const bool halves = params().halves != 0;
  const uint pairs = (head_dim + 1u) / 2u;  // of a head; the last may be a single value
  const uint all = row_count() * (p.cols / head_dim) * pairs;
  for (uint i = gl_GlobalInvocationID.x; i < all; i += gl_NumWorkGroups.x * lanes()) {
    const uint pair = i % pairs;
    const uint heads = p.cols / head_dim;
    const uint row = i / (pairs * heads);
    const bool turns = 2u * pair < dims;
    const uint within = halves && turns ? dims / 2u : 1u;  // from a pair's first value to its second
    const uint column = i / pairs % heads * head_dim + (halves && turns ? pair : 2u * pair);
    const uint x = row * p.cols + column;
    const uint y = row * p.cols + column;
    const float first = Floats(p.in0).v[x];
    const bool single = 2u * pair + 1u == head_dim;
    const float second = single ? 0.0 : Floats(p.in0).v[x + within];
    const uint angles = row * dims + pair;
    const float cosine = turns ? Floats(p.in1).v[angles] : 1.0;
    const float sine = turns ? Floats(p.in1).v[angles + dims / 2u] : 0.0;
    Floats(p.out0).v[y] = turns ? first * cosine - second * sine : first;
    if (!single) Floats(p.out0).v[y + within] = turns ? second * cosine + first * sine : second;
  }
}
