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

__device__ __forceinline__ std::int64_t keys_of_split(std::int64_t length, int splits) {
  const std::int64_t each = (length + splits - 1) / splits;
  return (each + kSplitKeys - 1) / kSplitKeys * kSplitKeys;
}

__device__ __forceinline__ SplitRange split_range(std::int64_t length, int splits, int split) {
  const std::int64_t each = keys_of_split(length, splits);
  const std::int64_t end = (split + 1) * each;
  return {split * each, end < length ? end : length};
}

// The others are empty and write nothing.
__device__ __forceinline__ int splits_used(std::int64_t length, int splits) {
  const std::int64_t each = keys_of_split(length, splits);
  return static_cast<int>((length + each - 1) / each);
}

// [highest score, sum of weights, weighted sum of values [head_dim]] of a row, head and split.
__device__ __forceinline__ float* partial_of(const CudaCall& call, int row, int head, int split) {
  const std::int64_t index =
      (static_cast<std::int64_t>(row) * call.params.attention.n_heads + head) * call.splits + split;
  return reinterpret_cast<float*>(call.out2.data) + index * (call.params.attention.head_dim + 2);
}

}  // namespace mneme
