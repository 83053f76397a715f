// SPDX-License-Identifier: Apache-2.0
// What every shader shares: the words that the host pushes, memory by address, sums over a
// workgroup. Tensors are found by their device address, so no descriptor's size limit applies.
#extension GL_EXT_buffer_reference : require
#extension GL_EXT_buffer_reference_uvec2 : require
#extension GL_EXT_control_flow_attributes : require
#extension GL_EXT_shader_16bit_storage : require
#extension GL_KHR_shader_subgroup_arithmetic : require

#include "op_params.h"

layout(local_size_x_id = 0) in;

layout(buffer_reference, std430, buffer_reference_align = 4) buffer Floats {
  float v[];
};
layout(buffer_reference, std430, buffer_reference_align = 4) buffer Uints {
  uint v[];
};
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Float4s {
  vec4 v[];
};
layout(buffer_reference, std430, buffer_reference_align = 8) buffer Float2s {
  vec2 v[];
};
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Uint4s {
  uvec4 v[];
};
layout(buffer_reference, std430, buffer_reference_align = 8) buffer Uint2s {
  uvec2 v[];
};
layout(buffer_reference, std430, buffer_reference_align = 2) buffer Halfs {
  float16_t v[];
};
layout(buffer_reference, std430, buffer_reference_align = 2) buffer Words {
  uint16_t v[];
};
// What changes from step to step (StepParams), written by the host.
struct Token {
  uint id;
  uint position;
  uint sequence;
  uint first;  // token of its run: those from there on are the same sequence's
};
layout(buffer_reference, std430, buffer_reference_align = 16) buffer Step {
  uint tokens;
  uint outputs;
  uint split_positions;  // that a workgroup of an attention takes
  uint splits;           // of the longest sequence
  Token token[];
};

// gpu/vulkan/vulkan_plan.h has the same words; each shader reads the ones that it speaks of.
layout(push_constant, std430) uniform Push {
  uvec2 step;
  uvec2 in0, in1, in2, in3, in4;
  uvec2 out0, out1;
  uint cols;   // values of a row
  uint rows;   // of the weight, for products; of one sequence, in states
  uint flags;  // bit 0: its rows are those of the output tokens; 1: each expert has its own x
  uint types;  // 4 bits an input: its DType
  uint taps;   // of a convolution's kernel; experts of a token
  uint depth;  // experts of a weight
  uvec2 params;  // of the op: USE_PARAMS
  uvec2 out2;  // also what is added to a product, as input 3
} p;

// params() is then what gpu/op_params.h declares for the op of the shader.
#define USE_PARAMS(Params)                                                                    \
  layout(buffer_reference, std430, buffer_reference_align = 4) readonly buffer ParamsBuffer { \
    Params v;                                                                                 \
  };                                                                                          \
  Params params() {                                                                           \
    return ParamsBuffer(p.params).v;                                                          \
  }

const uint kF32 = 0, kF16 = 1;

uint lane() {
  return gl_LocalInvocationID.x;
}
uint lanes() {
  return gl_WorkGroupSize.x;
}

uint row_count() {
  return (p.flags & 1u) != 0u ? Step(p.step).outputs : Step(p.step).tokens;
}

// The row of a state that position 0 of a token's sequence has, and its own position's.
uint first_state_row(Token token) {
  return token.sequence * p.rows;
}
uint state_row(Token token) {
  return first_state_row(token) + token.position;
}

uint type_of(uint k) {
  return p.types >> (4u * k) & 15u;
}

// The 32 bits from the i-th 16 bits on: blocks of 18 and 34 bytes lie at even addresses.
uint word_at(uvec2 address, uint i) {
  return uint(Words(address).v[i]) | uint(Words(address).v[i + 1u]) << 16;
}

// Four values from i on; `wide`: they lie where a vector may.
vec4 four_at(uvec2 address, uint i, bool wide) {
  if (wide) return Float4s(address).v[i / 4u];
  vec4 values;
  for (uint c = 0; c < 4; ++c) values[c] = Floats(address).v[i + c];
  return values;
}
void set_four(uvec2 address, uint i, vec4 values, bool wide) {
  if (wide) {
    Float4s(address).v[i / 4u] = values;
  } else {
    for (uint c = 0; c < 4; ++c) Floats(address).v[i + c] = values[c];
  }
}

// A value of a small constant: F32, F16 or BF16.
float constant_at(uvec2 address, uint type, uint i) {
  if (type == kF32) return Floats(address).v[i];
  if (type == kF16) return float(Halfs(address).v[i]);
  return uintBitsToFloat(uint(Words(address).v[i]) << 16);
}

// A value of a state: F32 or F16.
float state_at(uvec2 address, uint type, uint i) {
  return type == kF32 ? Floats(address).v[i] : float(Halfs(address).v[i]);
}
void set_state(uvec2 address, uint type, uint i, float value) {
  if (type == kF32) {
    Floats(address).v[i] = value;
  } else {
    Halfs(address).v[i] = float16_t(value);
  }
}

// The sum over the workgroup, in every lane. Every lane must come here.
shared float partial_sums[64];
float workgroup_sum(float x) {
  x = subgroupAdd(x);
  if (gl_NumSubgroups > 1) {
    if (subgroupElect()) partial_sums[gl_SubgroupID] = x;
    barrier();
    x = 0;
    for (uint i = 0; i < gl_NumSubgroups; ++i) x += partial_sums[i];
    barrier();
  }
  return x;
}
float workgroup_max(float x) {
  x = subgroupMax(x);
  if (gl_NumSubgroups > 1) {
    if (subgroupElect()) partial_sums[gl_SubgroupID] = x;
    barrier();
    x = partial_sums[0];
    for (uint i = 1; i < gl_NumSubgroups; ++i) x = max(x, partial_sums[i]);
    barrier();
  }
  return x;
}

// engram/SPEC.md, section 6: the gate of a score.
float gate_of(float score) {
  const float magnitude = abs(score);
  const float root = sqrt(magnitude > 1e-6 || isnan(magnitude) ? magnitude : 1e-6);
  const float signed_root = score == 0.0 ? 0.0 : (score > 0.0 ? root : -root);
  return 1.0 / (1.0 + exp(-signed_root));
}

float silu(float x) {
  return x / (1.0 + exp(-x));
}

// cap * tanh(x / cap); cap 0: x. Some drivers' tanh overflows for large arguments.
float soft_cap(float x, float cap) {
  if (cap == 0.0) return x;
  return isnan(x) ? x : cap * tanh(clamp(x / cap, -10.0, 10.0));
}
