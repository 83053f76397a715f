#version 450
// SPDX-License-Identifier: Apache-2.0
// attention: a workgroup takes kHeads heads of a token that share keys and values, over one split
// of the positions that the token sees. Positions are taken in groups as large as the workgroup:
// each lane scores one of them, then the lanes add the group's values up, four dimensions each;
// sums are scaled when a higher score is met, so nothing of the context's length is kept. Keys and
// values are read once for each token and split: at one token that is what bounds it.
#include "common.glsl"
#include "attention.glsl"
#include "attention_rows.glsl"

const uint kQuadsALane = (kQuads + gl_WorkGroupSize.x - 1) / gl_WorkGroupSize.x;
// Where lanes are left over, several take the same dimensions of different positions.
const uint kSlices = kQuads > gl_WorkGroupSize.x ? 1 : gl_WorkGroupSize.x / kQuads;

shared vec4 queries[kHeads * kQuads];
shared float weights[kHeads * gl_WorkGroupSize.x];  // [positions, kHeads]
shared float maxima[kHeads * 64];                   // [kHeads, subgroups]
shared vec4 joined[gl_WorkGroupSize.x];

// The largest over the workgroup of each head, in every lane. Every lane must come here.
void workgroup_maxima(inout float x[kHeads]) {
  [[unroll]] for (uint h = 0; h < kHeads; ++h) x[h] = subgroupMax(x[h]);
  if (gl_NumSubgroups == 1) return;
  if (subgroupElect()) {
    for (uint h = 0; h < kHeads; ++h) maxima[h * 64u + gl_SubgroupID] = x[h];
  }
  barrier();
  for (uint h = 0; h < kHeads; ++h) {
    for (uint i = 0; i < gl_NumSubgroups; ++i) x[h] = max(x[h], maxima[h * 64u + i]);
  }
}

void main() {
  const uint row = gl_WorkGroupID.y;
  const uint split = gl_WorkGroupID.z;
  const uint context = context_of(row);
  const uint split_begin = split * Step(p.step).split_positions;
  const uint end = min(context, split_begin + Step(p.step).split_positions);
  const uint begin = max(split_begin, first_seen(context));
  if (begin >= end) return;  // only later or earlier tokens see these positions
  const float cap = params().cap;
  const uint width = kv_width();
  const uint kv = kv_first(row);
  for (uint i = lane(); i < kHeads * kQuads; i += lanes()) {
    queries[i] = query_quad(row, first_head() + i / kQuads, i % kQuads);
  }
  barrier();

  const uint slice = kQuads > lanes() ? 0u : lane() / kQuads;
  const uint first_quad = kQuads > lanes() ? lane() : lane() % kQuads;
  vec4 sums[kHeads * kQuadsALane];
  float highest[kHeads];
  float totals[kHeads];
  [[unroll]] for (uint i = 0; i < kHeads * kQuadsALane; ++i) sums[i] = vec4(0.0);
  [[unroll]] for (uint h = 0; h < kHeads; ++h) {
    highest[h] = -3.0e38;
    totals[h] = 0.0;
  }
  for (uint first = begin; first < end; first += lanes()) {
    const uint position = first + lane();
    const bool mine = position < end;
    float scores[kHeads];
    float peaks[kHeads];
    [[unroll]] for (uint h = 0; h < kHeads; ++h) scores[h] = mine ? 0.0 : -3.0e38;
    if (mine) {
      for (uint quad = 0; quad < kQuads; ++quad) {
        const vec4 key = kv_quad(p.in1, kv + position * width, quad);
        [[unroll]] for (uint h = 0; h < kHeads; ++h) {
          scores[h] += dot(queries[h * kQuads + quad], key);
        }
      }
      [[unroll]] for (uint h = 0; h < kHeads; ++h) scores[h] = soft_cap(scores[h], cap);
    }
    [[unroll]] for (uint h = 0; h < kHeads; ++h) peaks[h] = scores[h];
    workgroup_maxima(peaks);
    float shrinks[kHeads];
    [[unroll]] for (uint h = 0; h < kHeads; ++h) {
      const float peak = max(highest[h], peaks[h]);
      const float weight = mine ? exp(scores[h] - peak) : 0.0;
      shrinks[h] = exp(highest[h] - peak);
      totals[h] = totals[h] * shrinks[h] + weight;
      highest[h] = peak;
      weights[lane() * kHeads + h] = weight;
    }
    barrier();
    const uint count = min(lanes(), end - first);
    [[unroll]] for (uint q = 0; q < kQuadsALane; ++q) {
      const uint quad = first_quad + q * lanes();
      if (quad < kQuads && slice < kSlices) {
        [[unroll]] for (uint h = 0; h < kHeads; ++h) sums[h * kQuadsALane + q] *= shrinks[h];
        for (uint j = slice; j < count; j += kSlices) {
          const vec4 value = kv_quad(p.in2, kv + (first + j) * width, quad);
          [[unroll]] for (uint h = 0; h < kHeads; ++h) {
            sums[h * kQuadsALane + q] += weights[j * kHeads + h] * value;
          }
        }
      }
    }
    barrier();
  }

  const bool whole = gl_NumWorkGroups.z == 1u;
  [[unroll]] for (uint h = 0; h < kHeads; ++h) {
    const uint head = first_head() + h;
    const float total = workgroup_sum(totals[h]);
    if (kSlices > 1) {
      joined[lane()] = sums[h * kQuadsALane];
      barrier();
      for (uint s = 1; slice == 0u && s < kSlices; ++s) {
        sums[h * kQuadsALane] += joined[s * kQuads + first_quad];
      }
      barrier();
    }
    const uint partial = whole ? 0u : partial_of(row, head, split);
    if (!whole && lane() == 0u) {
      Floats(p.out1).v[partial] = highest[h];
      Floats(p.out1).v[partial + 1u] = total;
    }
    [[unroll]] for (uint q = 0; q < kQuadsALane; ++q) {
      const uint dimension = 4u * (first_quad + q * lanes());
      for (uint c = 0; c < 4 && slice == 0u; ++c) {
        if (dimension + c >= kHeadDim) break;
        const float sum = sums[h * kQuadsALane + q][c];
        if (whole) {
          Floats(p.out0).v[(row * n_heads() + head) * kHeadDim + dimension + c] = sum / total;
        } else {
          Floats(p.out1).v[partial + 2u + dimension + c] = sum;
        }
      }
    }
  }
}
