// SPDX-License-Identifier: Apache-2.0
// What is used of NVIDIA's cublasLt, as its documentation gives it (cuBLAS, "Using the cublasLt
// API"), alike in versions 12 and 13. Declared here because its header comes only with the library,
// of which the build wants nothing. Matrices lie by columns.
#pragma once

#include <cstddef>
#include <cstdint>

namespace mneme::cublaslt {

using Status = int;  // 0 = done
using Handle = void*;
using Product = void*;     // cublasLtMatmulDesc_t
using Layout = void*;      // cublasLtMatrixLayout_t
using Preference = void*;  // cublasLtMatmulPreference_t
using Stream = void*;      // cudaStream_t

constexpr int kFloat = 0;          // CUDA_R_32F
constexpr int kBfloat = 14;        // CUDA_R_16BF
constexpr int kComputeFloat = 68;  // CUBLAS_COMPUTE_32F

constexpr int kTransposeA = 3;           // CUBLASLT_MATMUL_DESC_TRANSA, an int32
constexpr std::int32_t kTransposed = 1;  // CUBLAS_OP_T

constexpr int kWorkspaceMax = 1;  // CUBLASLT_MATMUL_PREF_MAX_WORKSPACE_BYTES, a uint64
constexpr int kAlignmentOfA = 5;  // CUBLASLT_MATMUL_PREF_MIN_ALIGNMENT_A_BYTES, a uint32
constexpr int kAlignmentOfB = 6;
constexpr int kAlignmentOfC = 7;
constexpr int kAlignmentOfD = 8;

struct Algorithm {
  std::uint64_t data[8];
};
struct Heuristic {
  Algorithm algorithm;
  std::size_t workspace_bytes;
  Status state;
  float waves;
  int reserved[4];
};

using Create = Status(Handle* to);
using Destroy = Status(Handle);
using GetVersion = std::size_t();  // 130100 is 13.1.0
using ProductCreate = Status(Product* to, int compute, int scale_type);
using ProductDestroy = Status(Product);
using ProductSet = Status(Product, int attribute, const void* value, std::size_t bytes);
using LayoutCreate = Status(Layout* to, int type, std::uint64_t rows, std::uint64_t cols,
                            std::int64_t values_from_column_to_column);
using LayoutDestroy = Status(Layout);
using PreferenceCreate = Status(Preference* to);
using PreferenceDestroy = Status(Preference);
using PreferenceSet = Status(Preference, int attribute, const void* value, std::size_t bytes);
using FindAlgorithm = Status(Handle, Product, Layout a, Layout b, Layout c, Layout d, Preference,
                             int wanted, Heuristic* to, int* found);
// d = alpha * op(a) * b + beta * c
using Multiply = Status(Handle, Product, const void* alpha, const void* a, Layout, const void* b,
                        Layout, const void* beta, const void* c, Layout, void* d, Layout,
                        const Algorithm*, void* workspace, std::size_t bytes, Stream);

}  // namespace mneme::cublaslt
