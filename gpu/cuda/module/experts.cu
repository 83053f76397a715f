// SPDX-License-Identifier: Apache-2.0
// Mixtures of experts: the router, a warp a row; products with the weights of chosen experts, a
// warp a value; the sum of what they made.
#include "gpu/cuda/module/launch.h"
#include "gpu/cuda/module/weights.cuh"

namespace mneme {
namespace {

constexpr int kWarps = 4;
constexpr int kThreads = kWarps * 32;
constexpr std::uint32_t kNanOrder = 0xffffffffu;

// Numbers in the order of what they stand for; a NaN above all of them, nothing below 1.
__device__ __forceinline__ std::uint32_t order_of(float x) {
  std::uint32_t bits = __float_as_uint(x);
  if ((bits & 0x7fffffffu) > 0x7f800000u) return kNanOrder;
  if (bits == 0x80000000u) bits = 0;
  return (bits & 0x80000000u) != 0 ? ~bits : bits | 0x80000000u;
}

__device__ __forceinline__ float score_of(float x, int scoring) {
  if (scoring == kSigmoid) return 1.0f / (1.0f + expf(-x));
  return sqrtf(x > 20.0f ? x : log1pf(expf(x)));
}

// The first of the highest orders in [begin, end), known to the warp.
__device__ __forceinline__ int highest_of(const std::uint32_t* orders, int begin, int end) {
  std::uint32_t best = 0;
  for (int i = begin + static_cast<int>(threadIdx.x); i < end; i += 32) {
    best = orders[i] > best ? orders[i] : best;
  }
  best = warp_max_bits(best);
  std::uint32_t before_end = 0;  // end - the first place
  for (int i = begin + static_cast<int>(threadIdx.x); i < end; i += 32) {
    const auto left = static_cast<std::uint32_t>(end - i);
    if (orders[i] == best && left > before_end) before_end = left;
  }
  return end - static_cast<int>(warp_max_bits(before_end));
}

__global__ void __launch_bounds__(32) route(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const RouteParams& p = call.params.route;
  const auto n = static_cast<int>(call.in[0].cols);
  const int lane = static_cast<int>(threadIdx.x);
  const float* logits = row_of<const float>(call.in[0], i);
  const auto* bias = reinterpret_cast<const float*>(call.in[1].data);
  float* scores = shared_memory<float>();
  float* choice = scores + n;  // what experts are chosen by
  auto* orders = reinterpret_cast<std::uint32_t*>(choice + n);
  std::uint32_t* sums = orders + n;  // of groups, in their order
  if (p.scoring == kSoftmax) {
    float highest = -INFINITY;
    for (int c = lane; c < n; c += 32) highest = fmaxf(highest, logits[c]);
    highest = warp_max(highest);
    float sum = 0;
    for (int c = lane; c < n; c += 32) sum += scores[c] = expf(logits[c] - highest);
    sum = warp_sum(sum);
    for (int c = lane; c < n; c += 32) scores[c] /= sum;
  } else {
    for (int c = lane; c < n; c += 32) scores[c] = score_of(logits[c], p.scoring);
  }
  for (int c = lane; c < n; c += 32) {
    choice[c] = bias ? scores[c] + bias[c] : scores[c];
    orders[c] = order_of(choice[c]);
  }
  __syncthreads();
  if (p.groups_kept < p.groups) {
    const int size = n / p.groups;
    for (int g = 0; g < p.groups; ++g) {
      float sum = 0;
      for (int k = 0; k < p.group_best; ++k) {
        const int best = highest_of(orders, g * size, (g + 1) * size);
        sum += choice[best];
        __syncthreads();
        if (lane == 0) orders[best] = 0;
        __syncthreads();
      }
      if (lane == 0) sums[g] = order_of(sum);
    }
    __syncthreads();
    for (int k = 0; k < p.groups_kept; ++k) {
      const int best = highest_of(sums, 0, p.groups);
      __syncthreads();
      if (lane == 0) sums[best] = 0;
      __syncthreads();
    }
    for (int c = lane; c < n; c += 32) orders[c] = sums[c / size] == 0 ? order_of(choice[c]) : 0;
    __syncthreads();
  }
  auto* ids = row_of<std::int32_t>(call.out, i);
  float* weights = row_of<float>(call.out2, i);
  float sum = 0;
  for (int k = 0; k < p.experts; ++k) {
    const int best = highest_of(orders, 0, n);
    const float weight = orders[best] == kNanOrder ? choice[best] : scores[best];
    sum += weight;
    __syncthreads();
    if (lane == 0) {
      ids[k] = best;
      weights[k] = weight;
      orders[best] = 0;
    }
    __syncthreads();
  }
  if (lane > 0) return;
  const float by = p.normalise ? p.scale / (sum + 1e-20f) : p.scale;
  for (int k = 0; k < p.experts; ++k) weights[k] *= by;
}

__global__ void __launch_bounds__(kThreads) matmul_experts(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.z);
  if (i >= rows) return;
  const CudaTensor& weight = call.in[1];
  const int lane = static_cast<int>(threadIdx.x) % 32;
  const std::int64_t o = blockIdx.x * kWarps + threadIdx.x / 32;
  if (o >= weight.rows) return;  // whole warps; nothing below waits for the block
  const std::int64_t k = blockIdx.y;
  const std::int32_t expert = row_of<const std::int32_t>(call.in[2], i)[k];
  float* to = row_of<float>(call.out, i) + k * weight.rows + o;
  if (expert < 0 || expert >= weight.depth) {
    if (lane == 0) *to = NAN;
    return;
  }
  const float* x = row_of<const float>(call.in[0], i);
  if (call.in[0].cols != weight.cols) x += k * weight.cols;
  const unsigned char* row = weight.data + (expert * weight.rows + o) * weight.stride;
  float sum = 0;
  for (std::int64_t c = lane; c < weight.cols; c += 32) {
    sum += value_at(weight.element, row, c) * x[c];
  }
  sum = warp_sum(sum);
  if (lane == 0) *to = sum;
}

__global__ void __launch_bounds__(kThreads) weighted_sum(const __grid_constant__ CudaCall call) {
  const std::int32_t rows = rows_of(call);
  const int i = static_cast<int>(blockIdx.x);
  if (i >= rows) return;
  const std::int64_t c = blockIdx.y * kThreads + threadIdx.x;
  if (c >= call.out.cols) return;
  const float* x = row_of<const float>(call.in[0], i);
  const float* weights = row_of<const float>(call.in[1], i);
  float sum = 0;
  for (std::int64_t k = 0; k < call.in[1].cols; ++k) sum += x[k * call.out.cols + c] * weights[k];
  row_of<float>(call.out, i)[c] = sum;
}

}  // namespace

int launch_experts(void* stream, const CudaCall& call) {
  const auto rows = static_cast<unsigned>(call.rows_max);
  switch (call.kernel) {
    case CudaKernel::route: {
      const auto bytes = static_cast<std::size_t>(call.in[0].cols) * 4 * sizeof(float);
      return launch_kernel(stream, route, call, dim3(rows), dim3(32), bytes);
    }
    case CudaKernel::matmul_experts: {
      const auto blocks = static_cast<unsigned>((call.in[1].rows + kWarps - 1) / kWarps);
      const auto chosen = static_cast<unsigned>(call.in[2].cols);
      return launch_kernel(stream, matmul_experts, call, dim3(blocks, chosen, rows), dim3(kThreads),
                           0);
    }
    default: {
      const auto blocks = static_cast<unsigned>((call.out.cols + kThreads - 1) / kThreads);
      return launch_kernel(stream, weighted_sum, call, dim3(rows, blocks), dim3(kThreads), 0);
    }
  }
}

}  // namespace mneme
