#version 450
// SPDX-License-Identifier: Apache-2.0
// matmul for many tokens on a device's matrix units: products of half-precision matrices, summed in
// float32, that a subgroup makes together. Activations come from pack_half.comp; weights become
// halves on their way into shared memory. A workgroup makes a tile of outputs by tokens, each of
// its subgroups kOutMats matrices of kM outputs for all tokens of the tile. Written in NVIDIA's
// form of the extension, which cooperative_matrix.py turns into Khronos'.
#extension GL_NV_cooperative_matrix : require
#extension GL_KHR_memory_scope_semantics : require
#extension GL_KHR_shader_subgroup_basic : require
#extension GL_EXT_shader_explicit_arithmetic_types_float16 : require
#pragma use_vulkan_memory_model
#include "common.glsl"
#include "matmul_out.glsl"
#include "weights.glsl"

layout(constant_id = 1) const uint kM = 16;  // outputs, ..
layout(constant_id = 2) const uint kN = 16;  // tokens ..
layout(constant_id = 4) const uint kK = 16;  // and columns of the device's matrices
layout(constant_id = 5) const uint kSubgroups = 4;
layout(constant_id = 6) const uint kOutMats = 2;
layout(constant_id = 7) const uint kTokenMats = 4;

const uint kOuts = kSubgroups * kOutMats * kM;
const uint kTokens = kTokenMats * kN;
const uint kColumns = 32;             // at a time
const uint kStride = kColumns + 8;    // of a row in shared memory: the next begins at other banks

shared float16_t tile_w[kOuts * kStride];
shared float16_t tile_x[kTokens * kStride];
shared float results[kSubgroups * kM * kN];

void main() {
  const uint count = row_count();
  const uint first_out = gl_WorkGroupID.x * kOuts;
  const uint first_token = gl_WorkGroupID.y * kTokens;
  const uint padded = (p.cols + 31u) / 32u * 32u;
  const uint subgroup_out = gl_SubgroupID * kOutMats * kM;

  fcoopmatNV<32, gl_ScopeSubgroup, kM, kN> sums[kOutMats * kTokenMats];
  [[unroll]] for (uint i = 0; i < kOutMats * kTokenMats; ++i) {
    sums[i] = fcoopmatNV<32, gl_ScopeSubgroup, kM, kN>(0.0);
  }
  for (uint first = 0; first < padded; first += kColumns) {
    for (uint i = lane(); i < kOuts * 4u; i += lanes()) {
      const uint piece = first / 8u + i % 4u;
      Weights w = Weights(vec4(0.0), vec4(0.0));
      // Past the last row the last is taken again and not kept.
      if (8u * piece < p.cols) w = load_weights(p.in1, min(first_out + i / 4u, p.rows - 1u), piece);
      const uint to = i / 4u * kStride + i % 4u * 8u;
      [[unroll]] for (uint j = 0; j < 4; ++j) {
        tile_w[to + j] = float16_t(w.low[j]);
        tile_w[to + 4u + j] = float16_t(w.high[j]);
      }
    }
    for (uint i = lane(); i < kTokens * 4u; i += lanes()) {
      const uint token = min(first_token + i / 4u, count - 1u);
      const uvec4 x = Uint4s(p.in3).v[(token * padded + first) / 8u + i % 4u];
      const uint to = i / 4u * kStride + i % 4u * 8u;
      [[unroll]] for (uint j = 0; j < 4; ++j) {
        const f16vec2 two = unpackFloat2x16(x[j]);
        tile_x[to + 2u * j] = two.x;
        tile_x[to + 2u * j + 1u] = two.y;
      }
    }
    barrier();
    for (uint k = 0; k < kColumns; k += kK) {
      fcoopmatNV<16, gl_ScopeSubgroup, kM, kK> w[kOutMats];
      [[unroll]] for (uint m = 0; m < kOutMats; ++m) {
        coopMatLoadNV(w[m], tile_w, (subgroup_out + m * kM) * kStride + k, kStride, false);
      }
      [[unroll]] for (uint n = 0; n < kTokenMats; ++n) {
        fcoopmatNV<16, gl_ScopeSubgroup, kK, kN> x;
        coopMatLoadNV(x, tile_x, n * kN * kStride + k, kStride, true);
        [[unroll]] for (uint m = 0; m < kOutMats; ++m) {
          sums[n * kOutMats + m] = coopMatMulAddNV(w[m], x, sums[n * kOutMats + m]);
        }
      }
    }
    barrier();
  }

  const uint results_first = gl_SubgroupID * kM * kN;
  [[unroll]] for (uint i = 0; i < kOutMats * kTokenMats; ++i) {
    coopMatStoreNV(sums[i], results, results_first, kM, true);
    subgroupBarrier();
    for (uint j = gl_SubgroupInvocationID; j < kM * kN; j += gl_SubgroupSize) {
      const uint row = first_out + subgroup_out + i % kOutMats * kM + j % kM;
      const uint token = first_token + i / kOutMats * kN + j / kM;
      if (row < p.rows && token < count) {
        write_output(token, row, results[results_first + j] * Floats(p.in4).v[token]);
      }
    }
    subgroupBarrier();
  }
}
