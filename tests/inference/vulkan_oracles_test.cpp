// SPDX-License-Identifier: Apache-2.0
// The exact answers of other programs, on a Vulkan device.
#include <gtest/gtest.h>

#include "gpu/vulkan/vulkan_backend.h"
#include "tests/support/faulty_vulkan.h"
#include "tests/support/oracle_logits.h"

namespace mneme {
namespace {

TEST(oracles_vulkan, LogitsAreThoseOfOtherPrograms) {
  const std::string reason = no_vulkan_reason();
  if (!reason.empty()) GTEST_SKIP() << reason;
  const FaultyVulkan vulkan(VulkanFaults{});
  const auto backend = open_vulkan_backend(vulkan.loader(), {});
  ASSERT_TRUE(backend) << backend.error().message;
  EXPECT_GE(compare_with_oracles(**backend, kDeviceDeviation), 1);
}

}  // namespace
}  // namespace mneme
