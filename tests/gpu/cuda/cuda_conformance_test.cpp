// SPDX-License-Identifier: Apache-2.0
// The conformance table on the CUDA backend: its kernels in the emulation, and on a real device
// where there is one.
#include <gtest/gtest.h>

#include <limits>
#include <string>
#include <utility>
#include <vector>

#include "gpu/conformance/not_finite.h"
#include "gpu/conformance/run_case.h"
#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/cuda_module.h"
#include "tests/gpu/case_named.h"
#include "tests/gpu/cuda_emulation/emulated_runtime.h"

namespace mneme {
namespace {

void run_table(Backend& backend, NumericMode mode) {
  for (const OpCase& c : conformance_cases()) {
    if (c.large) continue;
    EXPECT_EQ(run_case(backend, c, mode).failure, "") << c.name;
  }
}

std::unique_ptr<Backend> open_emulated() {
  return std::move(open_cuda_backend(&emulated_cuda(), 0).value());
}

TEST(CudaEmulation, EveryOpEqualsItsFormulaInExactMode) {
  run_table(*open_emulated(), NumericMode::exact);
}

TEST(CudaEmulation, EveryOpStaysCloseInFastMode) {
  run_table(*open_emulated(), NumericMode::fast);
}

TEST(CudaEmulation, WhatIsNotFiniteStaysSo) {
  NotFiniteCheck check({std::numeric_limits<float>::quiet_NaN()});
  const NotFinite result = check.run(*open_emulated(), NumericMode::fast);
  EXPECT_EQ(result.failures, std::vector<std::string>());
  EXPECT_GT(result.reached, 10'000u);
}

TEST(CudaEmulation, GateAndConvolutionAreOneLaunch) {
  const auto launches = [](const char* row) {
    const auto backend = open_emulated();
    EXPECT_EQ(run_case(*backend, case_named(row), NumericMode::exact).failure, "");
    return emulated_cuda_state().launches;
  };
  EXPECT_EQ(launches("fused_gate_conv_F32_5at2_4x24_4taps"), 1);
  EXPECT_EQ(launches("fused_gate_conv_F32_6at9_1x24_9taps"),
            3);  // more taps than the kernel has room for
}

TEST(CudaEmulation, DecodedRowsArePackedAsTheyAreMade) {
  const auto backend = open_emulated();
  const OpCase& row = case_named("decoded_matmul_Q8_0_6");
  EXPECT_EQ(run_case(*backend, row, NumericMode::fast).failure, "");
  EXPECT_EQ(emulated_cuda_state().launches, 2);
}

TEST(CudaDevice, PassesTheTable) {
  auto backend = open_cuda_backend(load_cuda_module(cuda_module_paths()), 0);
  if (!backend) GTEST_SKIP() << backend.error().message;
  run_table(**backend, NumericMode::exact);
  run_table(**backend, NumericMode::fast);
}

}  // namespace
}  // namespace mneme
