#version 450
// SPDX-License-Identifier: Apache-2.0
// route: a workgroup a row.
#include "common.glsl"

USE_PARAMS(RouteParams)

const uint kExpertsMax = 1024;  // gpu/vulkan/supports.cpp
const uint kNanOrder = 0xffffffffu;
shared float scores[kExpertsMax];
shared float choice[kExpertsMax];  // what experts are chosen by
shared uint orders[kExpertsMax];
shared uint sums[kExpertsMax];  // of groups, in their order
shared uint partial_uints[64];

// Numbers in the order of what they stand for; a NaN above all of them, nothing below 1.
uint order_of(float x) {
  uint bits = floatBitsToUint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return kNanOrder;
  if (bits == 0x80000000u) bits = 0u;
  return (bits & 0x80000000u) != 0u ? ~bits : bits | 0x80000000u;
}

uint workgroup_highest(uint x) {
  x = subgroupMax(x);
  if (gl_NumSubgroups > 1) {
    if (subgroupElect()) partial_uints[gl_SubgroupID] = x;
    barrier();
    for (uint i = 0; i < gl_NumSubgroups; ++i) x = max(x, partial_uints[i]);
    barrier();
  }
  return x;
}

// The first of the highest, known to every lane.
uint highest_expert(uint n) {
  uint best = 0;
  for (uint i = lane(); i < n; i += lanes()) best = max(best, orders[i]);
  best = workgroup_highest(best);
  uint before_end = 0;  // n - the first place
  for (uint i = lane(); i < n; i += lanes()) {
    if (orders[i] == best) before_end = max(before_end, n - i);
  }
  return n - workgroup_highest(before_end);
}

float score_of(float x, int scoring) {
  if (scoring == kSigmoid) return 1.0 / (1.0 + exp(-x));
  // log(1 + e^x), whose sum with 1 would lose what is small
  if (x > 20.0) return sqrt(x);
  const float e = exp(-abs(x));
  const float more = e < 0.05 ? e * (1.0 - e * (0.5 - e * (1.0 / 3.0 - e * (0.25 - e * 0.2))))
                              : log(1.0 + e);
  return sqrt((x > 0.0 ? x : 0.0) + more);
}

// The sum of the largest in a group.
uint group_order(uint first, uint size, int best_of) {
  float sum = 0.0;
  uint before = kNanOrder;  // those chosen come before this order and place
  uint before_at = 0;
  for (int k = 0; k < best_of; ++k) {
    uint best = 0;
    uint at = first;
    for (uint i = first; i < first + size; ++i) {
      const bool taken = k > 0 && (orders[i] > before || (orders[i] == before && i <= before_at));
      if (!taken && orders[i] > best) {
        best = orders[i];
        at = i;
      }
    }
    sum += choice[at];
    before = best;
    before_at = at;
  }
  return order_of(sum);
}

void keep_groups(uint n) {
  const uint groups = uint(params().groups);
  const uint size = n / groups;
  for (uint g = lane(); g < groups; g += lanes()) {
    sums[g] = group_order(g * size, size, params().group_best);
  }
  barrier();
  if (lane() == 0u) {
    for (int k = 0; k < params().groups_kept; ++k) {
      uint best = 0;
      for (uint g = 1; g < groups; ++g) {
        if (sums[g] > sums[best]) best = g;
      }
      sums[best] = 0u;
    }
  }
  barrier();
  for (uint i = lane(); i < n; i += lanes()) {
    if (sums[i / size] != 0u) orders[i] = 0u;
  }
  barrier();
}

void main() {
  const uint n = p.cols;
  const uint row = gl_WorkGroupID.x;
  const int scoring = params().scoring;
  float highest = uintBitsToFloat(0xff800000u);
  if (scoring == kSoftmax) {
    for (uint i = lane(); i < n; i += lanes()) highest = max(highest, Floats(p.in0).v[row * n + i]);
    highest = workgroup_max(highest);
  }
  float sum = 0.0;
  for (uint i = lane(); i < n; i += lanes()) {
    const float x = Floats(p.in0).v[row * n + i];
    scores[i] = scoring == kSoftmax ? exp(x - highest) : score_of(x, scoring);
    sum += scores[i];
  }
  sum = workgroup_sum(sum);
  for (uint i = lane(); i < n; i += lanes()) {
    if (scoring == kSoftmax) scores[i] /= sum;
    choice[i] = p.in1 == uvec2(0) ? scores[i] : scores[i] + constant_at(p.in1, type_of(1), i);
    orders[i] = order_of(choice[i]);
  }
  barrier();
  if (params().groups_kept < params().groups) keep_groups(n);
  const uint chosen = uint(params().experts);
  float total = 0.0;
  for (uint k = 0; k < chosen; ++k) {
    const uint best = highest_expert(n);
    const float weight = orders[best] == kNanOrder ? choice[best] : scores[best];
    total += weight;
    barrier();
    if (lane() == 0u) {
      Uints(p.out0).v[row * chosen + k] = best;
      Floats(p.out1).v[row * chosen + k] = weight;
      orders[best] = 0u;
    }
    barrier();
  }
  const float by = params().normalise != 0 ? params().scale / (total + 1e-20) : params().scale;
  if (lane() > 0u) return;
  for (uint k = 0; k < chosen; ++k) Floats(p.out1).v[row * chosen + k] *= by;
}
