// SPDX-License-Identifier: Apache-2.0
// How the context of a token is cut into splits, and where their partial results lie.
#pragma once

#include "gpu/cuda/module/device.cuh"

namespace mneme {

constexpr int kSplitKeys = 64;  // a split is a multiple of this

struct SplitRange {
  std::int64_t begin;
  std::int64_t end;
};

// The first position that is seen from the token behind `length` - 1 others.
__device__ __forceinline__ std::int64_t first_seen(const CudaCall& call, std::int64_t length) {
  const std::int64_t window = call.params.attention.window;
  return window > 0 && length > window ? length - window : 0;
}

__device__ __forceinline__ std::int64_t keys_of_split(std::int64_t seen, int splits) {
  const std::int64_t each = (seen + splits - 1) / splits;
  return (each + kSplitKeys - 1) / kSplitKeys * kSplitKeys;
}

__device__ __forceinline__ SplitRange split_range(const CudaCall& call, std::int64_t length,
                                                  int split) {
  const std::int64_t first = first_seen(call, length);
  const std::int64_t each = keys_of_split(length - first, call.splits);
  const std::int64_t end = first + (split + 1) * each;
  return {first + split * each, end < length ? end : length};
}

// The others are empty and write nothing.
__device__ __forceinline__ int splits_used(const CudaCall& call, std::int64_t length) {
  const std::int64_t seen = length - first_seen(call, length);
  const std::int64_t each = keys_of_split(seen, call.splits);
  return static_cast<int>((seen + each - 1) / each);
}

// [highest score, sum of weights, weighted sum of values [head_dim]] of a row, head and split.
__device__ __forceinline__ float* partial_of(const CudaCall& call, int row, int head, int split) {
  const std::int64_t index =
      (static_cast<std::int64_t>(row) * call.params.attention.n_heads + head) * call.splits + split;
  return reinterpret_cast<float*>(call.out2.data) + index * (call.params.attention.head_dim + 2);
}

}  // namespace mneme
