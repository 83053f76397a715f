// SPDX-License-Identifier: Apache-2.0
// Each family of kernels starts its own; launch_call() chooses the family.
#pragma once

#include "gpu/cuda/cuda_abi.h"

namespace mneme {

constexpr int kInvalidValue = 1;  // cudaErrorInvalidValue

// Each returns the CUDA runtime's error number. `stream` is a cudaStream_t.
int launch_rows(void* stream, const CudaCall& call);               // rows.cu
int launch_pack(void* stream, const CudaCall& call);               // pack.cu
int launch_matvec(void* stream, const CudaCall& call);             // matvec.cu
int launch_gemm(void* stream, const CudaCall& call);               // gemm.cu
int launch_attention(void* stream, const CudaCall& call);          // attention.cu
int launch_prefill_attention(void* stream, const CudaCall& call);  // attention_tiles.cu
int launch_engram(void* stream, const CudaCall& call);             // engram.cu
int launch_experts(void* stream, const CudaCall& call);            // experts.cu
int launch_matrix_library(void* stream, const CudaCall& call);     // matrix_library.cu

inline int launch_call(void* stream, const CudaCall& call) {
  switch (call.kernel) {
    case CudaKernel::pack_int8:
    case CudaKernel::pack_half:
      return launch_pack(stream, call);
    case CudaKernel::matvec:
      return launch_matvec(stream, call);
    case CudaKernel::gemm:
    case CudaKernel::gemm_exact:
      return launch_gemm(stream, call);
    case CudaKernel::library_gemm:
      return launch_matrix_library(stream, call);
    case CudaKernel::attention:
      return call.tiles ? launch_prefill_attention(stream, call) : launch_attention(stream, call);
    case CudaKernel::combine:
      return launch_attention(stream, call);
    case CudaKernel::table_decode:
    case CudaKernel::engram_gate:
    case CudaKernel::conv_append:
    case CudaKernel::short_conv:
    case CudaKernel::fused_gate_conv:
      return launch_engram(stream, call);
    case CudaKernel::route:
    case CudaKernel::matmul_experts:
    case CudaKernel::weighted_sum:
      return launch_experts(stream, call);
    default:
      return launch_rows(stream, call);
  }
}

}  // namespace mneme
