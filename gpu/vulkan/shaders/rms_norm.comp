#version 450
// SPDX-License-Identifier: Apache-2.0
// rms_norm: a row a workgroup.
#include "common.glsl"

void main() {
  const uint x = in_row(0, gl_WorkGroupID.x) * p.cols;
  float squares = 0.0;
  for (uint i = lane(); i < p.cols; i += lanes()) {
    const float value = Floats(p.in0).v[x + i];
    squares = fma(value, value, squares);
  }
  const float scale = 1.0 / sqrt(workgroup_sum(squares) / float(p.cols) + p.eps);
  const uint y = gl_WorkGroupID.x * p.cols;
  for (uint i = lane(); i < p.cols; i += lanes()) {
    Floats(p.out0).v[y + i] = Floats(p.in0).v[x + i] * scale * constant_at(p.in1, type_of(1), i);
  }
}
