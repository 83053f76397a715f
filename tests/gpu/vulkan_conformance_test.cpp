// SPDX-License-Identifier: Apache-2.0
// The conformance table on every Vulkan device of this machine, under the validation layer. On a
// machine without a GPU that is Mesa's llvmpipe.
#include <gtest/gtest.h>

#include "gpu/conformance/run_case.h"
#include "gpu/vulkan/vulkan_backend.h"

namespace mneme {
namespace {

std::unique_ptr<Backend> open_validated() {
  auto backend = open_vulkan_backend(system_vulkan_loader(), {0, "", true});
  if (backend) return std::move(*backend);
  EXPECT_EQ(backend.error().code, ErrorCode::unsupported) << backend.error().message;
  return nullptr;
}

void run_table(NumericMode mode) {
  const auto backend = open_validated();
  if (!backend) GTEST_SKIP() << "no Vulkan device, or no validation layer, on this machine";
  for (const OpCase& c : conformance_cases()) {
    if (c.large) continue;
    EXPECT_EQ(run_case(*backend, c, mode).failure, "") << c.name;
  }
}

TEST(VulkanConformance, EveryOpEqualsItsFormulaInExactMode) {
  run_table(NumericMode::exact);
}

TEST(VulkanConformance, EveryOpStaysCloseInFastMode) {
  run_table(NumericMode::fast);
}

}  // namespace
}  // namespace mneme
