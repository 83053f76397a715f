#version 450
// SPDX-License-Identifier: Apache-2.0
// short_conv, second part: the convolution over the state and what it adds, a stream of a token a
// workgroup.
#include "common.glsl"

USE_PARAMS(ShortConvParams)

void main() {
  const uint streams = uint(params().streams);
  const uint dilation = uint(params().dilation);
  const uint row = gl_WorkGroupID.x;
  const uint stream = gl_WorkGroupID.y;
  const uint dim = p.cols / streams;
  const uint first = stream * dim;
  const Token token = Step(p.step).token[row];
  float added_squares = 0.0;
  float h_squares = 0.0;
  for (uint i = first + lane(); i < first + dim; i += lanes()) {
    float sum = 0.0;
    for (uint tap = 0; tap < p.taps; ++tap) {
      const uint back = (p.taps - 1u - tap) * dilation;
      if (back > token.position) continue;  // zeros before the start
      sum = fma(state_at(p.in4, type_of(4), (state_row(token) - back) * p.cols + i),
                constant_at(p.in3, type_of(3), i * p.taps + tap), sum);
    }
    const float added = Floats(p.in1).v[row * p.cols + i] + silu(sum);
    const float h = Floats(p.in0).v[row * p.cols + i];
    added_squares = fma(added, added, added_squares);
    h_squares = fma(h, h, h_squares);
    Floats(p.out0).v[row * p.cols + i] = h + added;
  }
  const float h_norm = sqrt(workgroup_sum(h_squares));
  const float added_norm = sqrt(workgroup_sum(added_squares));
  if (lane() == 0u) {
    Floats(p.out1).v[row * streams + stream] = h_norm > 0.0 ? added_norm / h_norm : 0.0;
  }
}
