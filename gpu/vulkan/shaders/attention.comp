#version 450
// SPDX-License-Identifier: Apache-2.0
// attention: a head of a token a workgroup. Positions are taken in groups as large as the
// workgroup: each lane scores one of them, then the lanes add the group's values up, one dimension
// each; sums are scaled when a higher score is met, so nothing of the context's length is kept.
#include "common.glsl"

layout(constant_id = 1) const uint kHeadDim = 64;
const uint kDimsALane = (kHeadDim + gl_WorkGroupSize.x - 1) / gl_WorkGroupSize.x;

shared float query[kHeadDim];
shared float weights[gl_WorkGroupSize.x];

float kv_at(uvec2 address, uint i) {
#if defined(STATE_F16)
  return float(Halfs(address).v[i]);
#else
  return Floats(address).v[i];
#endif
}

void main() {
  const uint head = gl_WorkGroupID.x;
  const uint row = gl_WorkGroupID.y;
  const uint token = outputs_only() ? row + Step(p.step).tokens - Step(p.step).outputs : row;
  const uint context = Step(p.step).position + token + 1u;
  const uint kv_width = p.n_kv_heads * kHeadDim;
  const uint column = head / (p.n_heads / p.n_kv_heads) * kHeadDim;
  const uint width = p.n_heads * kHeadDim;

  const float scale = 1.0 / sqrt(float(kHeadDim));
  for (uint i = lane(); i < kHeadDim; i += lanes()) {
    query[i] = Floats(p.in0).v[in_row(0, row) * width + head * kHeadDim + i];
  }
  barrier();

  float sums[kDimsALane];
  for (uint d = 0; d < kDimsALane; ++d) sums[d] = 0.0;
  float highest = -3.0e38;
  float total = 0.0;
  for (uint first = 0; first < context; first += lanes()) {
    const uint position = first + lane();
    float score = -3.0e38;
    if (position < context) {
      const uint at = position * kv_width + column;
      float sum = 0.0;
      for (uint i = 0; i < kHeadDim; ++i) sum = fma(query[i], kv_at(p.in1, at + i), sum);
      score = sum * scale;
    }
    const float before = highest;
    highest = max(highest, workgroup_max(score));
    const float weight = position < context ? exp(score - highest) : 0.0;
    const float shrink = exp(before - highest);
    total = total * shrink + workgroup_sum(weight);
    weights[lane()] = weight;
    barrier();
    const uint count = min(lanes(), context - first);
    for (uint d = 0; d < kDimsALane; ++d) {
      const uint i = lane() + d * lanes();
      if (i >= kHeadDim) break;
      float sum = sums[d] * shrink;
      for (uint j = 0; j < count; ++j) {
        sum = fma(weights[j], kv_at(p.in2, (first + j) * kv_width + column + i), sum);
      }
      sums[d] = sum;
    }
    barrier();
  }
  for (uint d = 0; d < kDimsALane; ++d) {
    const uint i = lane() + d * lanes();
    if (i < kHeadDim) Floats(p.out0).v[row * width + head * kHeadDim + i] = sums[d] / total;
  }
}
