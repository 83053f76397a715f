// SPDX-License-Identifier: Apache-2.0
#include "gpu/cuda/cuda_choices.h"

#include <fmt/format.h>

#include <algorithm>

#include "gpu/op_check.h"

namespace mneme {
namespace {

constexpr std::int64_t kExpertsMax = 2048;  // whose scores shared memory holds

constexpr std::int32_t kSplitsMax = 32;
constexpr int kHeadDimMax = 256;
constexpr int kTileHeadDimMax = 128;

}  // namespace

std::vector<StepSize> step_sizes(const CompileOptions& options, bool whole) {
  std::vector<std::int32_t> tokens{1};
  const auto tokens_max = static_cast<std::int32_t>(options.tokens_max);
  for (std::int32_t size = kCudaFewRows; tokens.back() < tokens_max; size *= 4) {
    tokens.push_back(std::min(size, tokens_max));
  }
  const auto outputs_max = static_cast<std::int32_t>(options.outputs_max);
  std::vector<StepSize> sizes;
  for (const std::int32_t t : tokens) {
    std::vector<std::int32_t> outputs{0, std::min(1, outputs_max), std::min(t, outputs_max)};
    outputs.erase(std::unique(outputs.begin(), outputs.end()), outputs.end());
    if (whole && t == tokens.back()) {
      for (const std::int32_t o : outputs) sizes.push_back({t, o, true});
    }
    for (const std::int32_t o : outputs) sizes.push_back({t, o, false});
  }
  return sizes;
}

Packing packing_of(const Tensor& weight, NumericMode mode, std::int32_t rows) {
  Packing packing;
  if (mode == NumericMode::exact || weight.dtype == DType::f32) return packing;
  if (rows <= kCudaFewRows) {
    if (!is_quantised(weight.dtype)) return packing;
    packing.kernel = CudaKernel::pack_int8;
    packing.stride = weight.cols;
    packing.scale_stride = weight.cols / 32 * 8;
    packing.bytes = static_cast<std::size_t>(rows * packing.stride);
    packing.scale_bytes = static_cast<std::size_t>(rows * packing.scale_stride);
    return packing;
  }
  const std::int64_t cols = (weight.cols + kCudaTileCols - 1) / kCudaTileCols * kCudaTileCols;
  const std::int64_t padded = (rows + kCudaTileRows - 1) / kCudaTileRows * kCudaTileRows;
  packing.kernel = CudaKernel::pack_half;
  packing.half = weight.dtype == DType::bf16 ? DType::bf16 : DType::f16;
  packing.stride = cols * 2;
  packing.scale_stride = sizeof(float);
  packing.bytes = static_cast<std::size_t>(padded * packing.stride);
  packing.scale_bytes = static_cast<std::size_t>(padded * packing.scale_stride);
  return packing;
}

bool for_matrix_library(const Graph& graph, const Op& op, NumericMode mode) {
  if (op.kind != OpKind::matmul || mode != NumericMode::fast) return false;
  const Tensor& weight = graph.tensor(op.in[1]);
  return weight.dtype == DType::bf16 && (op.in.size() < 3 || op.in[2] == kNoTensor);
}

bool attention_by_tiles(const Op& op, const CudaTensor& k, const CudaTensor& v, std::int32_t rows) {
  const auto wide = [](const CudaTensor& x) {
    return reinterpret_cast<std::uintptr_t>(x.data) % 16 == 0 && x.stride % 16 == 0;
  };
  return rows > kCudaFewRows && k.element == static_cast<std::int32_t>(DType::f16) &&
         op.params.attention.head_dim % 8 == 0 && op.params.attention.head_dim <= kTileHeadDimMax &&
         wide(k) && wide(v);
}

std::int32_t attention_splits(const Op& op, std::int32_t rows, std::int32_t multiprocessors) {
  const std::int32_t blocks = std::max(1, rows) * op.params.attention.n_kv_heads;
  return std::clamp(2 * multiprocessors / blocks, 1, kSplitsMax);
}

std::string why_not_on_cuda(const Graph& graph, const Op& op) {
  const std::string reason = why_unsupported(graph, op);
  if (reason.empty() && op.kind == OpKind::route && graph.tensor(op.in[0]).cols > kExpertsMax) {
    return fmt::format("it has {} experts, more than {}", graph.tensor(op.in[0]).cols, kExpertsMax);
  }
  if (!reason.empty() || op.kind != OpKind::attention) return reason;
  const int dim = op.params.attention.head_dim;
  if (dim % 2 == 0 && dim <= kHeadDimMax) return "";
  return fmt::format("its heads have {} values: even numbers up to {} can be used", dim,
                     kHeadDimMax);
}

}  // namespace mneme
