#version 450
// SPDX-License-Identifier: Apache-2.0
// engram_gate: a stream of a token a workgroup. Both norms and the score in one pass.
#include "common.glsl"

USE_PARAMS(EngramGateParams)

void main() {
  const uint streams = uint(params().streams);
  const uint row = gl_WorkGroupID.x;
  const uint stream = gl_WorkGroupID.y;
  const uint dim = p.cols;
  const uint column = stream * dim;
  const uint width = streams * dim;
  const uint h_at = row * width + column;
  const uint key_at = row * width + column;
  float h_squares = 0.0;
  float key_squares = 0.0;
  float products = 0.0;
  for (uint i = lane(); i < dim; i += lanes()) {
    const float h = Floats(p.in0).v[h_at + i];
    const float key = Floats(p.in1).v[key_at + i];
    h_squares = fma(h, h, h_squares);
    key_squares = fma(key, key, key_squares);
    const float normed_key = key * constant_at(p.in3, type_of(3), column + i);
    products = fma(normed_key, h * constant_at(p.in4, type_of(4), column + i), products);
  }
  const float n = float(dim);
  const float h_scale = 1.0 / sqrt(workgroup_sum(h_squares) / n + params().eps);
  const float key_scale = 1.0 / sqrt(workgroup_sum(key_squares) / n + params().eps);
  const float gate = gate_of(workgroup_sum(products) * key_scale * h_scale / sqrt(n));
  if (lane() == 0u) Floats(p.out1).v[row * streams + stream] = gate;
  const uint value_at = row * dim;
  for (uint i = lane(); i < dim; i += lanes()) {
    Floats(p.out0).v[row * width + column + i] = gate * Floats(p.in2).v[value_at + i];
  }
}
