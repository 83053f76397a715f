// SPDX-License-Identifier: Apache-2.0
// One Vulkan device with one compute queue and the timeline that its work counts on. Shared by
// everything that must be freed before it. Engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <string_view>

#include "gpu/vulkan/instance.h"

namespace mneme {

class VulkanDevice {
 public:
  // Errors: unsupported (with the reason), device.
  static Result<std::shared_ptr<VulkanDevice>> open(std::shared_ptr<VulkanInstance> instance,
                                                    const VulkanPhysicalDevice& physical);
  ~VulkanDevice();
  VulkanDevice(const VulkanDevice&) = delete;
  VulkanDevice& operator=(const VulkanDevice&) = delete;

  const VulkanApi& api() const { return instance_->api(); }
  VulkanInstance& instance() const { return *instance_; }
  const VulkanPhysicalDevice& physical() const { return physical_; }
  VkDevice handle() const { return device_; }
  VkCommandPool command_pool() const { return pool_; }

  // Puts recorded work behind all that was submitted before. After a failure nothing is submitted
  // any more; wait() tells of it.
  void submit(VkCommandBuffer commands);
  bool busy() const { return waited_ < submitted_; }
  // Waits until all submitted work is done, or for `timeout_ns` (then false). Errors: device (lost,
  // and again at every later call), out_of_memory.
  Result<bool> wait(std::uint64_t timeout_ns = ~std::uint64_t{0});

  // The error of a call that failed; a lost device stays lost.
  Error error(VkResult result, std::string_view doing);

 private:
  VulkanDevice(std::shared_ptr<VulkanInstance> instance, const VulkanPhysicalDevice& physical)
      : instance_(std::move(instance)), physical_(physical) {}

  const std::shared_ptr<VulkanInstance> instance_;
  const VulkanPhysicalDevice physical_;
  VkDevice device_ = VK_NULL_HANDLE;
  VkQueue queue_ = VK_NULL_HANDLE;
  VkCommandPool pool_ = VK_NULL_HANDLE;
  VkSemaphore timeline_ = VK_NULL_HANDLE;
  std::uint64_t submitted_ = 0;  // the timeline's value when the last work is done
  std::uint64_t waited_ = 0;     // its value at the last wait
  VkResult failed_ = VK_SUCCESS;
};

}  // namespace mneme
