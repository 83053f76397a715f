#version 450
// SPDX-License-Identifier: Apache-2.0
// attention, second part: joins the splits of a head of a token, one a workgroup.
#include "common.glsl"
#include "attention.glsl"

layout(constant_id = 2) const uint kSplitsMax = 64;

shared float factors[kSplitsMax];  // that bring a split's sums to the highest score of all

void main() {
  const uint head = gl_WorkGroupID.x;
  const uint row = gl_WorkGroupID.y;
  const uint context = context_of(row);
  const uint splits = splits_of(context);
  const uint first = first_seen(context) / Step(p.step).split_positions;
  float highest = -3.0e38;
  for (uint s = first + lane(); s < splits; s += lanes()) {
    highest = max(highest, Floats(p.out1).v[partial_of(row, head, s)]);
  }
  highest = workgroup_max(highest);
  float total = 0.0;
  for (uint s = first + lane(); s < splits; s += lanes()) {
    const uint partial = partial_of(row, head, s);
    factors[s] = exp(Floats(p.out1).v[partial] - highest);
    total = fma(factors[s], Floats(p.out1).v[partial + 1u], total);
  }
  total = workgroup_sum(total);
  barrier();
  for (uint i = lane(); i < kHeadDim; i += lanes()) {
    float sum = 0.0;
    for (uint s = first; s < splits; ++s) {
      sum = fma(factors[s], Floats(p.out1).v[partial_of(row, head, s) + 2u + i], sum);
    }
    Floats(p.out0).v[(row * n_heads() + head) * kHeadDim + i] = sum / total;
  }
}
