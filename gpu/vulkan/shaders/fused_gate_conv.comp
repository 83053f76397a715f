#version 450
// SPDX-License-Identifier: Apache-2.0
// engram_gate and short_conv in one, a stream of a token a workgroup. Taps of the convolution that
// see tokens of the same step need their gates; these are made again here, since workgroups cannot
// wait for each other, and nothing of a step is read back from the state.
#include "common.glsl"

USE_PARAMS(ShortConvParams)

// p.in3, made by the host.
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Constants {
  float gate_eps;
  float conv_eps;
  float v[];  // [2 + taps, G*D]: the gate's norms multiplied, the convolution's norm, its kernel
};

const uint kTapsMax = 8;        // kFusedGateConvTapsMax
shared float gates[kTapsMax];   // of the token that a tap sees
shared float scales[kTapsMax];  // of its gated values' norm

// What a state keeps of a value.
float as_stored(float x) {
  return type_of(4) == kF32 ? x : unpackHalf2x16(packHalf2x16(vec2(x, 0.0))).x;
}

void main() {
  const uint streams = uint(params().streams);
  const uint dilation = uint(params().dilation);
  const uint row = gl_WorkGroupID.x;
  const uint stream = gl_WorkGroupID.y;
  const uint dim = p.cols;
  const uint width = streams * dim;
  const uint first = stream * dim;
  const Token token = Step(p.step).token[row];
  const uint before = row - token.first;  // tokens of its sequence in the step
  Constants constants = Constants(p.in3);
  const float n = float(dim);
  for (uint tap = 0; tap < p.taps; ++tap) {
    const uint back = (p.taps - 1u - tap) * dilation;
    if (back > before) continue;  // it sees the state
    const uint seen = row - back;
    const uint h_at = seen * width + first;
    float h_squares = 0.0;
    float key_squares = 0.0;
    float value_squares = 0.0;
    float products = 0.0;
    for (uint i = lane(); i < dim; i += lanes()) {
      const float h = Floats(p.in0).v[h_at + i];
      const float key = Floats(p.in1).v[h_at + i];
      const float value = Floats(p.in2).v[seen * dim + i];
      h_squares = fma(h, h, h_squares);
      key_squares = fma(key, key, key_squares);
      value_squares = fma(value, value, value_squares);
      products = fma(key * h, constants.v[first + i], products);
    }
    const float h_scale = 1.0 / sqrt(workgroup_sum(h_squares) / n + constants.gate_eps);
    const float key_scale = 1.0 / sqrt(workgroup_sum(key_squares) / n + constants.gate_eps);
    const float gate = gate_of(workgroup_sum(products) * key_scale * h_scale / sqrt(n));
    const float squares = gate * gate * workgroup_sum(value_squares);
    if (lane() == 0u) {
      gates[tap] = gate;
      scales[tap] = 1.0 / sqrt(squares / n + constants.conv_eps);
    }
  }
  barrier();
  const uint last = p.taps - 1u;
  if (lane() == 0u) Floats(p.out1).v[row * streams + stream] = gates[last];

  float added_squares = 0.0;
  float h_squares = 0.0;
  for (uint i = lane(); i < dim; i += lanes()) {
    const uint column = first + i;
    const float weight = constants.v[width + column];
    float sum = 0.0;
    float normed = 0.0;
    for (uint tap = 0; tap < p.taps; ++tap) {
      const uint back = (last - tap) * dilation;
      if (back > token.position) continue;  // zeros before the start
      if (back > before) {
        normed = state_at(p.in4, type_of(4), (state_row(token) - back) * width + column);
      } else {
        const float value = Floats(p.in2).v[(row - back) * dim + i];
        normed = as_stored(gates[tap] * value * scales[tap] * weight);
      }
      sum = fma(normed, constants.v[(2u + tap) * width + column], sum);
    }
    set_state(p.in4, type_of(4), state_row(token) * width + column, normed);  // the last tap's
    const float h = Floats(p.in0).v[row * width + column];
    const float added = gates[last] * Floats(p.in2).v[row * dim + i] + silu(sum);
    added_squares = fma(added, added, added_squares);
    h_squares = fma(h, h, h_squares);
    Floats(p.out0).v[row * width + column] = h + added;
  }
  const float h_norm = sqrt(workgroup_sum(h_squares));
  const float added_norm = sqrt(workgroup_sum(added_squares));
  if (lane() == 0u) {
    Floats(p.out2).v[row * streams + stream] = h_norm > 0.0 ? added_norm / h_norm : 0.0;
  }
}
