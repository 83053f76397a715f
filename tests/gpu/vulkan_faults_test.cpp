// SPDX-License-Identifier: Apache-2.0
// What a user is told when Vulkan, a driver or a device does not do its part; nothing crashes.
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>
#include <optional>

#include "gpu/conformance/run_case.h"
#include "gpu/registry.h"
#include "gpu/vulkan/vulkan_backend.h"
#include "tests/gpu/case_named.h"
#include "tests/support/faulty_vulkan.h"
#include "tests/support/temporary_folder.h"

namespace mneme {
namespace {

class VulkanFault : public testing::Test {
 protected:
  void SetUp() override {
    const std::string reason = no_vulkan_reason();
    if (!reason.empty()) GTEST_SKIP() << reason;
  }

  // The reason that the list gives, which must also be the error of opening the device.
  static std::string reason_of(const VulkanFaults& faults) {
    const FaultyVulkan vulkan(faults);
    const auto listed = list_vulkan_devices(vulkan.loader());
    const auto opened = open_vulkan_backend(vulkan.loader(), {});
    EXPECT_FALSE(opened.has_value());
    EXPECT_EQ(opened.error().code, ErrorCode::unsupported);
    EXPECT_NE(opened.error().message.find(listed.front().unusable), std::string::npos);
    EXPECT_FALSE(listed.front().automatic);
    return listed.front().unusable;
  }
};

TEST_F(VulkanFault, AutomaticLeavesAProcessorThatPlaysAGpuAlone) {
  const FaultyVulkan vulkan({});
  const auto all = list_vulkan_devices(vulkan.loader());
  const auto automatic = list_vulkan_devices(vulkan.loader(), DeviceList::automatic);
  for (const DeviceInfo& device : all) {
    const bool listed = std::ranges::find(automatic, device.id, &DeviceInfo::id) != automatic.end();
    if (device.unusable.empty()) {
      EXPECT_EQ(listed, device.automatic) << device.id;
    }
  }
}

TEST(VulkanLoaderFault, WithoutALoaderTheListAndTheErrorSayWhy) {
  const VulkanLoader none{nullptr, "there is no Vulkan loader"};
  const auto listed = list_vulkan_devices(none);
  ASSERT_EQ(listed.size(), 1u);
  EXPECT_EQ(listed[0].unusable, none.reason);
  const auto opened = open_vulkan_backend(none, {});
  ASSERT_FALSE(opened);
  EXPECT_EQ(opened.error().message, none.reason);
}

TEST(VulkanLoaderFault, AnOldLoaderIsRefused) {
  const auto nothing = [](VkInstance, const char*) -> PFN_vkVoidFunction { return nullptr; };
  const auto opened = open_vulkan_backend({nothing, ""}, {});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("older"), std::string::npos);
}

TEST_F(VulkanFault, EachReasonIsOneSentence) {
  VulkanFaults faults;
  faults.no_driver = true;
  EXPECT_NE(reason_of(faults).find("no Vulkan driver"), std::string::npos);
  faults = {};
  faults.no_devices = true;
  EXPECT_NE(reason_of(faults).find("shows a device"), std::string::npos);
  faults = {};
  faults.old_driver = true;
  EXPECT_NE(reason_of(faults).find("offers Vulkan 1.1"), std::string::npos);
  faults = {};
  faults.no_16_bit_storage = true;
  EXPECT_NE(reason_of(faults).find("16-bit"), std::string::npos);
}

TEST_F(VulkanFault, ADeviceThatDoesNotExistIsNamed) {
  const auto opened = open_vulkan_backend(system_vulkan_loader(), {99, "", false});
  ASSERT_FALSE(opened);
  EXPECT_NE(opened.error().message.find("vulkan:99"), std::string::npos);
}

TEST_F(VulkanFault, EveryLackOfMemoryIsAnErrorAndNothingElse) {
  long call = 0;
  bool went_well = false;
  for (; !went_well && call < 1000; ++call) {
    VulkanFaults faults;
    faults.fail_call = call;
    const FaultyVulkan vulkan(faults);
    const auto backend = open_vulkan_backend(vulkan.loader(), {});
    std::string failure;
    if (backend) {
      failure =
          run_case(**backend, case_named("attention_F16_7at0_6over2x32"), NumericMode::exact, 1)
              .failure;
    } else {
      failure = backend.error().message;
      EXPECT_EQ(backend.error().code, ErrorCode::out_of_memory) << failure;
    }
    went_well = FaultyVulkan::calls() <= call;
    EXPECT_EQ(failure.empty(), went_well) << "call " << call << ": " << failure;
    EXPECT_EQ(failure.find("VkResult"), std::string::npos) << failure;
  }
  EXPECT_TRUE(went_well);
  EXPECT_GT(call, 20);
}

// Loses the device at every submission of a row in turn.
void lose_everywhere(bool at_wait) {
  const OpCase& row = case_named("rms_norm_576_0");
  bool went_well = false;
  for (long submit = 0; !went_well && submit < 100; ++submit) {
    VulkanFaults faults;
    faults.lose_at_submit = submit;
    faults.lose_at_wait = at_wait;
    const FaultyVulkan vulkan(faults);
    const auto backend = open_vulkan_backend(vulkan.loader(), {});
    ASSERT_TRUE(backend) << backend.error().message;
    const OpOutcome first = run_case(**backend, row, NumericMode::exact);
    went_well = FaultyVulkan::submits() <= submit;
    if (went_well) break;
    EXPECT_NE(first.failure.find("was lost"), std::string::npos) << first.failure;
    const OpOutcome again = run_case(**backend, row, NumericMode::exact);
    EXPECT_NE(again.failure.find("was lost"), std::string::npos) << again.failure;
  }
  EXPECT_TRUE(went_well);
}

TEST_F(VulkanFault, ADeviceLostAtASubmissionStaysLostAndANewOneWorks) {
  lose_everywhere(false);
}

TEST_F(VulkanFault, ADeviceLostDuringTheWorkStaysLostAndANewOneWorks) {
  lose_everywhere(true);
}

TEST_F(VulkanFault, WithoutTimestampsThereAreNoTimes) {
  VulkanFaults faults;
  faults.no_timestamps = true;
  const FaultyVulkan vulkan(faults);
  const auto backend = open_vulkan_backend(vulkan.loader(), {});
  ASSERT_TRUE(backend);
  const OpOutcome outcome = run_case(**backend, case_named("add_64"), NumericMode::exact, 1);
  EXPECT_EQ(outcome.failure, "");
  EXPECT_EQ(outcome.microseconds, 0);
}

TEST_F(VulkanFault, TheCacheOfProgramsIsWrittenAndADamagedOneIgnored) {
  const TemporaryFolder folder;
  const auto run = [&] {
    const auto backend = open_vulkan_backend(system_vulkan_loader(), {0, folder.path(), false});
    ASSERT_TRUE(backend);
    EXPECT_EQ(run_case(**backend, case_named("add_64"), NumericMode::exact).failure, "");
  };
  run();
  std::vector<std::filesystem::path> files(std::filesystem::directory_iterator(folder.path()), {});
  ASSERT_EQ(files.size(), 1u);
  run();
  for (const std::string_view text : {"", "short",
                                      "0000000000000000000000000000000000000000"
                                      "000000000000000000000000 and no cache"}) {
    std::ofstream(files[0], std::ios::binary) << text;
    run();
  }
}

TEST(DeviceNames, WhatIsNotADeviceIsRefused) {
  for (const char* name : {"", "gpu", "vulkan:", "vulkan:x", "vulkan:1x", "vulkanic", "cpu:1",
                           "vulkan:99999999999999999999"}) {
    BackendOptions options;
    options.device = name;
    const auto opened = open_backend(options);
    ASSERT_FALSE(opened) << name;
    EXPECT_EQ(opened.error().code, ErrorCode::invalid) << name;
  }
}

TEST(DeviceNames, AutomaticNeverTakesAProcessorThatPlaysAGpu) {
  for (const DeviceInfo& device : list_devices()) {
    EXPECT_FALSE(device.automatic && device.name.find("llvmpipe") != std::string::npos);
  }
}

}  // namespace
}  // namespace mneme
