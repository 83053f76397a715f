// SPDX-License-Identifier: Apache-2.0
// The conformance table on every Vulkan device of this machine, under the validation layer. On a
// machine without a GPU that is Mesa's llvmpipe.
#include <gtest/gtest.h>

#include "gpu/conformance/run_case.h"
#include "gpu/vulkan/vulkan_backend.h"
#include "tests/gpu/case_named.h"
#include "tests/support/faulty_vulkan.h"

namespace mneme {
namespace {

void run_table(NumericMode mode, const VulkanFaults& device) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const FaultyVulkan vulkan(device);
  const auto backend = open_vulkan_backend(vulkan.loader(), {0, "", true});
  if (!backend && backend.error().code == ErrorCode::unsupported) {
    GTEST_SKIP() << backend.error().message;
  }
  ASSERT_TRUE(backend) << backend.error().message;
  for (const OpCase& c : conformance_cases()) {
    if (c.large) continue;
    EXPECT_EQ(run_case(**backend, c, mode).failure, "") << c.name;
  }
}

TEST(VulkanConformance, EveryOpEqualsItsFormulaInExactMode) {
  run_table(NumericMode::exact, {});
}

TEST(VulkanConformance, EveryOpStaysCloseInFastMode) {
  run_table(NumericMode::fast, {});
}

// With workgroups of a graphics card's size, several subgroups in each.
TEST(VulkanConformance, EveryOpEqualsItsFormulaOnACard) {
  VulkanFaults card;
  card.discrete = true;
  run_table(NumericMode::exact, card);
}

// One recording of a step of one token; of more tokens there are several.
TEST(VulkanConformance, GateAndConvolutionAreOneDispatch) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const FaultyVulkan vulkan({});
  const auto backend = open_vulkan_backend(vulkan.loader(), {});
  ASSERT_TRUE(backend) << backend.error().message;
  const OpCase& row = case_named("engram_mix_F32_1at11_4x576_4taps");
  EXPECT_EQ(run_case(**backend, row, NumericMode::exact).failure, "");
  EXPECT_EQ(FaultyVulkan::dispatches(), 1);
}

}  // namespace
}  // namespace mneme
