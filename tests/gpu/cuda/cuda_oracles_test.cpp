// SPDX-License-Identifier: Apache-2.0
// The exact answers of other programs, by the CUDA kernels in the emulation.
#include <gtest/gtest.h>

#include "gpu/cuda/cuda_backend.h"
#include "tests/gpu/cuda_emulation/emulated_runtime.h"
#include "tests/support/oracle_logits.h"

namespace mneme {
namespace {

TEST(oracles_cuda, LogitsAreThoseOfOtherPrograms) {
  const auto backend = open_cuda_backend(&emulated_cuda(), 0);
  ASSERT_TRUE(backend) << backend.error().message;
  EXPECT_GE(compare_with_oracles(**backend, kDeviceDeviation), 1);
}

}  // namespace
}  // namespace mneme
