// SPDX-License-Identifier: Apache-2.0
// Finds the CUDA module and loads it. The program itself has no part of CUDA, so that it starts on
// machines without it.
#pragma once

#include <filesystem>
#include <vector>

#include "base/result.h"
#include "gpu/cuda/cuda_abi.h"

namespace mneme {

// Where the module may lie: beside the program, else where packages put it.
std::vector<std::filesystem::path> cuda_module_paths();

// The module's table, for as long as the program runs. Errors: unsupported, with the reason.
Result<const CudaApi*> load_cuda_module(const std::vector<std::filesystem::path>& paths);

}  // namespace mneme
