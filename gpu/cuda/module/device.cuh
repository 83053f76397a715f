// SPDX-License-Identifier: Apache-2.0
// What every kernel uses: reductions, rows of tensors, packing. Kernels are compiled twice: by nvcc
// for GPUs, and by the C++ compiler for the tests' emulation.
#pragma once

#include <cmath>
#include <cstddef>
#include <cstdint>

#include "gpu/cuda/cuda_abi.h"
#include "gpu/weight_types.h"
#if defined(__CUDACC__)
#include "gpu/cuda/module/ptx.cuh"
#else
#include <cuda_emulation.h>  // tests/gpu/cuda_emulation
#endif

namespace mneme {

// The numbers of DType.
#define X(name, ...) k##name,
enum Element : std::int32_t { MNEME_ALL_TYPES(X) };
#undef X

constexpr unsigned kAllLanes = 0xffffffffu;

__device__ __forceinline__ float warp_sum(float x) {
  for (int lanes = 16; lanes > 0; lanes /= 2) x += __shfl_xor_sync(kAllLanes, x, lanes);
  return x;
}

__device__ __forceinline__ float warp_max(float x) {
  for (int lanes = 16; lanes > 0; lanes /= 2) x = fmaxf(x, __shfl_xor_sync(kAllLanes, x, lanes));
  return x;
}

// The largest magnitude as bits, which also lets NaN and infinity win.
__device__ __forceinline__ std::uint32_t warp_max_bits(std::uint32_t x) {
  for (int lanes = 16; lanes > 0; lanes /= 2) {
    const std::uint32_t other = __shfl_xor_sync(kAllLanes, x, lanes);
    x = other > x ? other : x;
  }
  return x;
}

__device__ __forceinline__ std::uint32_t magnitude_bits(float x) {
  return __float_as_uint(x) & 0x7fffffffu;
}

// Sums over all threads of the block, known to each. `scratch` holds N floats a warp; the caller
// may use it again at once.
template <int N>
__device__ __forceinline__ void block_sums(float (&x)[N], float* scratch) {
  const int warp = static_cast<int>(threadIdx.x) / 32;
  const int warps = static_cast<int>(blockDim.x) / 32;
  for (int i = 0; i < N; ++i) {
    x[i] = warp_sum(x[i]);
    if (threadIdx.x % 32 == 0) scratch[warp * N + i] = x[i];
  }
  __syncthreads();
  for (int i = 0; i < N; ++i) {
    x[i] = 0;
    for (int w = 0; w < warps; ++w) x[i] += scratch[w * N + i];
  }
  __syncthreads();
}

// Rows that a call works on: the step's tokens, or its output tokens.
__device__ __forceinline__ std::int32_t rows_of(const CudaCall& call) {
  return call.output_rows ? call.step->outputs : call.step->tokens;
}

template <class T>
__device__ __forceinline__ T* row_of(const CudaTensor& x, std::int64_t i) {
  return reinterpret_cast<T*>(x.data + i * x.stride);
}

__device__ __forceinline__ const CudaToken& token_of(const CudaCall& call, std::int64_t i) {
  const auto* step = reinterpret_cast<const unsigned char*>(call.step);
  return *reinterpret_cast<const CudaToken*>(step + call.step->records +
                                             i * call.step->record_bytes);
}

// A sequence's part of a state: row p is its position p.
__device__ __forceinline__ CudaTensor part_of(const CudaTensor& state, const CudaToken& token) {
  CudaTensor part = state;
  part.data += token.sequence * state.rows * state.stride;
  return part;
}

__device__ __forceinline__ std::uint16_t load_u16(const unsigned char* p) {
  return *reinterpret_cast<const std::uint16_t*>(p);
}

// Keys, values and the convolution's inputs are float32 or float16.
__device__ __forceinline__ float state_at(const CudaTensor& x, std::int64_t row, std::int64_t i) {
  const unsigned char* p = x.data + row * x.stride;
  return x.element == kF16 ? half_to_float(load_u16(p + 2 * i))
                           : reinterpret_cast<const float*>(p)[i];
}

__device__ __forceinline__ void set_state(const CudaTensor& x, std::int64_t row, std::int64_t i,
                                          float value) {
  unsigned char* p = x.data + row * x.stride;
  if (x.element == kF16) {
    reinterpret_cast<std::uint16_t*>(p)[i] = float_to_half(value);
  } else {
    reinterpret_cast<float*>(p)[i] = value;
  }
}

// What a state keeps of a value.
__device__ __forceinline__ float as_stored(const CudaTensor& x, float value) {
  return x.element == kF16 ? half_to_float(float_to_half(value)) : value;
}

// A warp packs a block of 32 values: q = round(x / scale), scale = largest magnitude / 127. NaN and
// infinity become a scale that is one, so that they reach the product.
__device__ __forceinline__ void pack_block(unsigned char* packed, unsigned char* scales,
                                           std::int64_t column, float x) {
  const float scale = __uint_as_float(warp_max_bits(magnitude_bits(x))) / 127.0f;
  const float inverse = scale > 0 && scale < INFINITY ? 1.0f / scale : 0.0f;
  // A subnormal scale has no finite inverse: such a block counts as zero.
  const int q = inverse < INFINITY ? __float2int_rn(x * inverse) : 0;
  reinterpret_cast<signed char*>(packed)[column] = static_cast<signed char>(q);
  int sum = q;
  for (int lanes = 16; lanes > 0; lanes /= 2) sum += __shfl_xor_sync(kAllLanes, sum, lanes);
  if (column % 32 > 0) return;
  auto* to = reinterpret_cast<float*>(scales) + column / 32 * 2;
  to[0] = scale;
  to[1] = scale * static_cast<float>(sum);
}

// Where the product that comes next wants its activations packed. Widths are multiples of 32 then,
// so that whole warps come here with neighbouring columns.
__device__ __forceinline__ void pack_too(const CudaCall& call, int i, std::int64_t column,
                                         float value) {
  if (call.packed.data == nullptr) return;
  pack_block(call.packed.data + i * call.packed.stride, call.scales.data + i * call.scales.stride,
             column, value);
}

// Which of a call's products a block works on, and as which of the product's blocks.
struct Product {
  const CudaTensor* weight;
  const CudaTensor* bias;
  const CudaTensor* out;
  std::int64_t block;
};
__device__ __forceinline__ Product product_of(const CudaCall& call, int rows_per_block) {
  Product product{&call.in[1], &call.in[2], &call.out, blockIdx.x};
  for (int i = 0; i < call.more_count; ++i) {
    const std::int64_t blocks = (product.weight->rows + rows_per_block - 1) / rows_per_block;
    if (product.block < blocks) break;
    const CudaProduct& next = call.more[i];
    product = {&next.weight, &next.bias, &next.out, product.block - blocks};
  }
  return product;
}

// Blocks of all products of a call.
inline unsigned product_blocks(const CudaCall& call, std::int64_t rows_per_block) {
  std::int64_t blocks = (call.in[1].rows + rows_per_block - 1) / rows_per_block;
  for (int i = 0; i < call.more_count; ++i) {
    blocks += (call.more[i].weight.rows + rows_per_block - 1) / rows_per_block;
  }
  return static_cast<unsigned>(blocks);
}

__device__ __forceinline__ float silu(float x) {
  return x / (1.0f + expf(-x));
}

// cap * tanh(x / cap); cap 0: x
__device__ __forceinline__ float soft_cap(float x, float cap) {
  return cap > 0 ? cap * tanhf(x / cap) : x;
}

}  // namespace mneme
