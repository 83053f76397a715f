// SPDX-License-Identifier: Apache-2.0
// Two devices of which one fails: the list says why, `auto` takes the other, and a lost one leaves
// the other alone.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <vector>

#include "gpu/conformance/run_case.h"
#include "gpu/registry.h"
#include "gpu/vulkan/vulkan_backend.h"
#include "tests/gpu/case_named.h"
#include "tests/support/faulty_vulkan.h"

namespace mneme {
namespace {

class VulkanPair : public testing::TestWithParam<int> {  // which of the two is the faulty one
 protected:
  void SetUp() override {
    const std::string reason = no_vulkan_reason();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  static VulkanFaults pair() {
    VulkanFaults faults;
    faults.devices = 2;
    faults.faulty = GetParam();
    faults.discrete = true;
    return faults;
  }
  static std::size_t faulty() { return static_cast<std::size_t>(GetParam()); }
  static std::size_t sound() { return 1 - faulty(); }

  static Result<std::unique_ptr<Backend>> open(const FaultyVulkan& vulkan, std::size_t index) {
    return open_vulkan_backend(vulkan.loader(), {index, "", false});
  }
  static std::unique_ptr<Backend> open_auto(const FaultyVulkan& vulkan, std::uint64_t bytes = 0,
                                            std::optional<std::uint64_t> least = {}) {
    const auto open_listed = [&](const DeviceInfo& device) {
      return open(vulkan, device.id == "vulkan:1" ? 1 : 0);
    };
    return open_first_automatic(list_vulkan_devices(vulkan.loader()), bytes, least.value_or(bytes),
                                open_listed);
  }
  static std::string failure_on(Backend& backend) {
    return run_case(backend, case_named("short_conv_4x24_at2_F32"), NumericMode::exact).failure;
  }

  // One that cannot be used is listed with the reason, refused by name and passed over by `auto`.
  static void expect_passed_over(const VulkanFaults& faults, const std::string& why) {
    const FaultyVulkan vulkan(faults);
    const auto list = list_vulkan_devices(vulkan.loader());
    ASSERT_EQ(list.size(), 2u);
    EXPECT_NE(list[faulty()].unusable.find(why), std::string::npos) << list[faulty()].unusable;
    EXPECT_FALSE(list[faulty()].automatic);
    EXPECT_EQ(list[sound()].unusable, "");
    EXPECT_TRUE(list[sound()].automatic);
    EXPECT_FALSE(open(vulkan, faulty()));
    const auto chosen = open_auto(vulkan);
    ASSERT_NE(chosen, nullptr);
    EXPECT_EQ(chosen->description().find(list[sound()].name), 0u) << chosen->description();
    EXPECT_EQ(failure_on(*chosen), "");
  }
};

TEST_P(VulkanPair, OneBelowTheFloorIsPassedOver) {
  VulkanFaults faults = pair();
  faults.old_driver = true;
  expect_passed_over(faults, "offers Vulkan 1.1");
  faults = pair();
  faults.no_16_bit_storage = true;
  expect_passed_over(faults, "16-bit");
}

TEST_P(VulkanPair, OneThatCannotBeOpenedIsPassedOver) {
  VulkanFaults faults = pair();
  faults.cannot_open = true;
  expect_passed_over(faults, "it cannot be opened");
}

TEST_P(VulkanPair, OneThatFailsAfterItWasListedIsPassedOver) {
  const FaultyVulkan vulkan(pair());
  const auto list = list_vulkan_devices(vulkan.loader());
  const auto open_listed = [&](const DeviceInfo& device) -> Result<std::unique_ptr<Backend>> {
    if (device.id == list[faulty()].id) return Error{ErrorCode::device, "it is gone"};
    return open(vulkan, sound());
  };
  const auto chosen = open_first_automatic(list, 0, 0, open_listed);
  ASSERT_NE(chosen, nullptr);
  EXPECT_EQ(failure_on(*chosen), "");
}

TEST_P(VulkanPair, OneWithTooLittleMemoryIsPassedOver) {
  VulkanFaults faults = pair();
  faults.heap_bytes = 1000;
  const FaultyVulkan vulkan(faults);
  const auto chosen = open_auto(vulkan, 1'000'000);
  ASSERT_NE(chosen, nullptr);
  EXPECT_GT(chosen->memory().total_bytes, 1'000'000u);
  EXPECT_EQ(open_auto(vulkan, ~std::uint64_t{0}), nullptr);
  // Where none has room for all, the one that has most takes a part.
  const auto partly = open_auto(vulkan, ~std::uint64_t{0}, 500);
  ASSERT_NE(partly, nullptr);
  EXPECT_GT(partly->memory().total_bytes, 1'000'000u);
  EXPECT_EQ(open_auto(vulkan, ~std::uint64_t{0}, ~std::uint64_t{0} - 1), nullptr);
}

TEST_P(VulkanPair, OneThatIsLostLeavesTheOtherAlone) {
  for (const bool at_wait : {false, true}) {
    VulkanFaults faults = pair();
    faults.lose_at_submit = 5;
    faults.lose_at_wait = at_wait;
    const FaultyVulkan vulkan(faults);
    auto lost = open(vulkan, faulty());
    const auto other = open(vulkan, sound());
    ASSERT_TRUE(lost && other);
    EXPECT_NE(failure_on(**lost).find("was lost"), std::string::npos);
    EXPECT_EQ(failure_on(**other), "");
    EXPECT_NE(failure_on(**lost).find("was lost"), std::string::npos);
    lost->reset();
    EXPECT_EQ(failure_on(**other), "");
  }
}

INSTANTIATE_TEST_SUITE_P(Faulty, VulkanPair, testing::Values(0, 1), [](const auto& which) {
  return which.param == 0 ? std::string("TheFirst") : std::string("TheSecond");
});

}  // namespace
}  // namespace mneme
