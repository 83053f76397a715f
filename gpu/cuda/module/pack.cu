// SPDX-License-Identifier: Apache-2.0
// Activations in the form that products take: 8-bit integers for few tokens, half precision for
// tensor cores. Both read 4 bytes a value; they write 1.25 and 2.
#include "gpu/cuda/module/device.cuh"
#include "gpu/cuda/module/launch.h"

namespace mneme {
namespace {

constexpr int kThreads = 256;
constexpr int kWarps = kThreads / 32;

// A warp takes a block of 32 values.
__global__ void __launch_bounds__(kThreads) pack_int8(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const std::int64_t column = static_cast<std::int64_t>(blockIdx.y) * kThreads + threadIdx.x;
  if (column >= call.in[0].cols) return;  // whole warps
  pack_block(call.out.data + i * call.out.stride, call.out2.data + i * call.out2.stride, column,
             row_of<const float>(call.in[0], i)[column]);
}

// A block takes a row. float16 rows are divided by a power of two where their largest value needs
// it, since models have activations beyond 65504; bfloat16 has the range of float32.
__global__ void __launch_bounds__(kThreads) pack_half(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  auto* scratch = shared_memory<std::uint32_t>();
  const std::int64_t cols = call.in[0].cols;
  const float* x = row_of<const float>(call.in[0], i);
  auto* to = reinterpret_cast<std::uint16_t*>(call.out.data + i * call.out.stride);
  const std::int64_t padded = call.out.stride / 2;
  std::uint32_t largest = 0;
  for (std::int64_t c = threadIdx.x; c < cols; c += kThreads) {
    const std::uint32_t bits = magnitude_bits(x[c]);
    largest = bits > largest ? bits : largest;
  }
  largest = warp_max_bits(largest);
  if (threadIdx.x % 32 == 0) scratch[threadIdx.x / 32] = largest;
  __syncthreads();
  for (int w = 0; w < kWarps; ++w) largest = scratch[w] > largest ? scratch[w] : largest;
  const bool bfloat = call.out.element == kBF16;
  const int exponent = static_cast<int>(largest >> 23) - 127;
  // Up to 2^15 as it is; NaN and infinity stay what they are.
  const int shift = bfloat || exponent < 15 || exponent == 128 ? 0 : exponent - 14;
  const float scale = __uint_as_float(static_cast<std::uint32_t>(127 + shift) << 23);
  const float inverse = __uint_as_float(static_cast<std::uint32_t>(127 - shift) << 23);
  if (threadIdx.x == 0) reinterpret_cast<float*>(call.out2.data)[i] = scale;
  for (std::int64_t c = threadIdx.x; c < padded; c += kThreads) {
    const float value = c < cols ? x[c] * inverse : 0.0f;
    const std::uint32_t word = bfloat ? pack_bfloats(value, 0.0f) : pack_halves(value, 0.0f);
    to[c] = static_cast<std::uint16_t>(word & 0xffffu);
  }
}

}  // namespace

int launch_pack(void* stream, const CudaCall& call) {
  const auto rows = static_cast<unsigned>(call.rows_max);
  if (call.kernel == CudaKernel::pack_half) {
    return launch_kernel(stream, pack_half, call, dim3(rows), dim3(kThreads),
                         kWarps * sizeof(std::uint32_t));
  }
  const auto pieces = static_cast<unsigned>((call.in[0].cols + kThreads - 1) / kThreads);
  return launch_kernel(stream, pack_int8, call, dim3(rows, pieces), dim3(kThreads), 0);
}

}  // namespace mneme
