// SPDX-License-Identifier: Apache-2.0
// What both products of many tokens share: a workgroup of kAcross x kDown lanes makes a tile of
// 4 kAcross outputs by 4 kDown tokens, each lane 4 x 4 of it, from 32 columns at a time in shared
// memory.
#include "matmul_out.glsl"

layout(constant_id = 1) const uint kAcross = 16;
layout(constant_id = 2) const uint kDown = 16;

const uint kOuts = 4 * kAcross;
const uint kTokens = 4 * kDown;

uint first_out() {
  return gl_WorkGroupID.x * kOuts;
}
uint first_token() {
  return gl_WorkGroupID.y * kTokens;
}
uint across() {
  return lane() % kAcross;
}
uint down() {
  return lane() / kAcross;
}
// Past the end the last is made again and not kept.
uint tile_row(uint i) {
  return min(first_out() + i, p.rows - 1u);
}
uint tile_token(uint i) {
  return min(first_token() + i, row_count() - 1u);
}

// The lane's sum 4 t + j is that of its output across() + j kAcross for its token down() + t kDown.
void write_tile(float sums[16]) {
  const uint count = row_count();
  for (uint t = 0; t < 4; ++t) {
    const uint token = first_token() + down() + t * kDown;
    for (uint j = 0; j < 4; ++j) {
      const uint row = first_out() + across() + j * kAcross;
      if (token < count && row < p.rows) write_output(token, row, sums[4 * t + j]);
    }
  }
}
