#version 450
// SPDX-License-Identifier: Apache-2.0
// short_conv, first part: norm(v) to the state, a stream of a token a workgroup.
#include "common.glsl"

USE_PARAMS(ShortConvParams)

void main() {
  const uint row = gl_WorkGroupID.x;
  const uint dim = p.cols / uint(params().streams);
  const uint column = gl_WorkGroupID.y * dim;
  const uint v_at = row * p.cols + column;
  float squares = 0.0;
  for (uint i = lane(); i < dim; i += lanes()) {
    const float v = Floats(p.in1).v[v_at + i];
    squares = fma(v, v, squares);
  }
  const float scale = 1.0 / sqrt(workgroup_sum(squares) / float(dim) + params().eps);
  const uint state = state_row(Step(p.step).token[row]) * p.cols + column;
  for (uint i = lane(); i < dim; i += lanes()) {
    const float weight = constant_at(p.in2, type_of(2), column + i);
    set_state(p.in4, type_of(4), state + i, Floats(p.in1).v[v_at + i] * scale * weight);
  }
}
