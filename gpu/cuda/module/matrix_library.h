// SPDX-License-Identifier: Apache-2.0
// cublasLt, where the machine has it: products of whole steps of bfloat16 weights. Loaded when it
// is asked for; nothing links to it. Plain host code, which the tests run over the emulation.
#pragma once

#include <cstddef>

#include "gpu/cuda/cuda_abi.h"

namespace mneme {

// `files`: names for dlopen, by preference; null ends them. 0 when one can be used: `says` is its
// name and version. Else `says` why not.
int find_matrix_library(const char* const* files, char* says, std::size_t size);

// For the current device; the workspace must outlive it and serves one stream. As
// CudaApi::open_library; the numbers are those of the CUDA runtime.
int open_matrix_library(const char* const* files, void* workspace, std::size_t bytes,
                        CudaLibrary** to);
void close_matrix_library(CudaLibrary* library);

// 0 when the library has an algorithm for every product of the call.
int matrix_library_takes(const CudaCall& call);

}  // namespace mneme
