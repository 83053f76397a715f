// SPDX-License-Identifier: Apache-2.0
// A Vulkan instance and the devices it shows, each with the reason when it cannot be used.
#pragma once

#include <array>
#include <atomic>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/vulkan/api.h"

namespace mneme {

// Products of matrices that a subgroup makes together (VK_KHR_cooperative_matrix): m x k halves
// times k x n halves, summed in float32.
struct VulkanMatrix {
  std::uint32_t m = 0;
  std::uint32_t n = 0;
  std::uint32_t k = 0;
};

// What the floor is: Vulkan 1.2, a compute queue, 16-bit storage, buffer addresses, timeline
// semaphores, subgroup arithmetic.
struct VulkanPhysicalDevice {
  VkPhysicalDevice handle = VK_NULL_HANDLE;
  std::string name;
  std::string driver;
  std::string unusable;  // empty: it can be used
  VkPhysicalDeviceType type = VK_PHYSICAL_DEVICE_TYPE_OTHER;
  std::array<std::uint8_t, VK_UUID_SIZE> cache_uuid{};  // of compiled pipelines
  std::uint32_t queue_family = 0;
  std::uint32_t timestamp_bits = 0;
  double timestamp_ns = 0;  // of one count
  std::uint32_t subgroup_size = 0;
  std::uint32_t lanes_max = 0;  // of a workgroup
  std::uint32_t shared_bytes_max = 0;
  std::uint64_t allocation_bytes_max = 0;
  bool has_memory_budget = false;
  bool integer_dot = false;  // its hardware makes dot products of four signed bytes
  VulkanMatrix matrix;       // what its hardware makes; zeros: it has none
};

class VulkanInstance {
 public:
  // `validate`: run under Khronos' validation layer and count what it says. Errors: unsupported,
  // with the reason for a person (no loader, no driver, no validation layer).
  static Result<std::shared_ptr<VulkanInstance>> open(const VulkanLoader& loader, bool validate);
  ~VulkanInstance();
  VulkanInstance(const VulkanInstance&) = delete;
  VulkanInstance& operator=(const VulkanInstance&) = delete;

  const VulkanApi& api() const { return api_; }
  Result<std::vector<VulkanPhysicalDevice>> devices() const;
  struct Heap {
    std::uint64_t total_bytes = 0;
    std::uint64_t free_bytes = 0;  // the driver's estimate; total where it has none
  };
  Heap memory(const VulkanPhysicalDevice& device) const;  // the device's own

  // What the validation layer said since the last call; empty: nothing.
  std::string take_validation_messages();

 private:
  VulkanInstance() = default;
  VulkanPhysicalDevice describe(VkPhysicalDevice handle) const;
  VulkanMatrix largest_matrix(VkPhysicalDevice handle) const;

  VulkanApi api_;
  VkInstance instance_ = VK_NULL_HANDLE;
  VkDebugUtilsMessengerEXT messenger_ = VK_NULL_HANDLE;
  struct Messages;
  std::unique_ptr<Messages> messages_;
};

}  // namespace mneme
