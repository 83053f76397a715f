// SPDX-License-Identifier: Apache-2.0
// Quantised weights where a file may have them: a GGUF aligns tensors to 8 bytes at least, and the
// last may end with the memory. Wherever they lie, products are the same.
#include <gtest/gtest.h>

#include <utility>
#include <vector>

#include "gpu/cuda/cuda_abi.h"
#include "gpu/cuda/cuda_backend.h"
#include "tests/gpu/cuda/one_product.h"
#include "tests/gpu/cuda_emulation/emulated_runtime.h"

namespace mneme {
namespace {

TEST(CudaWeights, MayLieAtAnyMultipleOfEightAndEndWithTheirMemory) {
  const auto backend = std::move(open_cuda_backend(&emulated_cuda(), 0).value());
  for (const DType dtype : kWeightTypes) {
    if (!is_quantised(dtype)) continue;
    const std::size_t bytes = OneProduct::kRows * row_bytes(dtype, OneProduct::kCols);
    const std::size_t to_the_end = (kCudaAllocation - bytes % kCudaAllocation) % kCudaAllocation;
    for (const std::int64_t tokens : {1, 3, 12}) {
      for (const NumericMode mode : {NumericMode::fast, NumericMode::exact}) {
        const auto product = [&](std::size_t offset) {
          return OneProduct(*backend, dtype, tokens, mode, offset).run(tokens);
        };
        const std::vector<float> aligned = product(0);
        EXPECT_EQ(product(8), aligned) << dtype_info(dtype).name;
        EXPECT_EQ(product(to_the_end), aligned) << dtype_info(dtype).name;
      }
    }
  }
}

}  // namespace
}  // namespace mneme
