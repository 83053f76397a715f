// SPDX-License-Identifier: Apache-2.0
// How a graph's ops are run on a device: which become one launch, which kernels they take, and for
// which sizes of a step. Decided once, at compile(); nothing here allocates or calls the device.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cuda/cuda_abi.h"
#include "gpu/graph.h"

namespace mneme {

// Up to this many rows products read their weights once per few rows; above, by tiles.
constexpr std::int32_t kCudaFewRows = 8;
constexpr std::size_t kCudaGroupMax = 3;

// A step, rounded up: recordings are made for these.
struct StepSize {
  std::int32_t tokens = 0;
  std::int32_t outputs = 0;
  bool whole = false;  // only for steps of exactly so many tokens
  std::int32_t rows(bool of_outputs) const { return of_outputs ? outputs : tokens; }
};

// By rising size. A grid is at most four times as large as the work. `whole`: of the longest step
// also those for whole steps, before the others.
std::vector<StepSize> step_sizes(const CompileOptions& options, bool whole);

// How a product takes its activations.
struct Packing {
  CudaKernel kernel = CudaKernel::matvec;  // pack_int8, pack_half; matvec: as they are
  DType half = DType::f16;                 // pack_half: or bf16
  std::int64_t stride = 0;                 // bytes of a row
  std::int64_t scale_stride = 0;
  std::size_t bytes = 0;
  std::size_t scale_bytes = 0;
  bool packs() const { return kernel != CudaKernel::matvec; }
};
Packing packing_of(const Tensor& weight, NumericMode mode, std::int32_t rows);

// Whether NVIDIA's library may make a product of a whole step: of bf16 weights, since rows of
// float16 may have been divided by a number each that it cannot give back; without a bias.
bool for_matrix_library(const Graph& graph, const Op& op, NumericMode mode);

// Whether attention of so many rows goes to tensor cores, where states lie as `k` and `v` say.
bool attention_by_tiles(const Op& op, const CudaTensor& k, const CudaTensor& v, std::int32_t rows);
// Else into how many parts a context is cut: enough for two blocks a multiprocessor.
std::int32_t attention_splits(const Op& op, std::int32_t rows, std::int32_t multiprocessors);

// Empty when the kernels can run the op, else why not.
std::string why_not_on_cuda(const Graph& graph, const Op& op);

}  // namespace mneme
