// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/device.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

namespace mneme {

Result<std::shared_ptr<VulkanDevice>> VulkanDevice::open(std::shared_ptr<VulkanInstance> instance,
                                                         const VulkanPhysicalDevice& physical) {
  if (!physical.unusable.empty()) {
    return Error{ErrorCode::unsupported,
                 fmt::format("{} cannot be used: {}", physical.name, physical.unusable)};
  }
  std::shared_ptr<VulkanDevice> self(new VulkanDevice(std::move(instance), physical));
  const VulkanApi& api = self->api();
  const float priority = 1.0f;
  VkDeviceQueueCreateInfo queue{VK_STRUCTURE_TYPE_DEVICE_QUEUE_CREATE_INFO};
  queue.queueFamilyIndex = physical.queue_family;
  queue.queueCount = 1;
  queue.pQueuePriorities = &priority;
  VkPhysicalDeviceShaderIntegerDotProductFeaturesKHR dot{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES_KHR};
  dot.shaderIntegerDotProduct = VK_TRUE;
  VkPhysicalDeviceVulkan12Features f12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  f12.bufferDeviceAddress = VK_TRUE;
  f12.timelineSemaphore = VK_TRUE;
  if (physical.integer_dot) f12.pNext = &dot;
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
  matrix.cooperativeMatrix = VK_TRUE;
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT size{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
  size.computeFullSubgroups = VK_TRUE;
  if (physical.matrix.m > 0) {
    size.pNext = f12.pNext;
    matrix.pNext = &size;
    f12.pNext = &matrix;
    f12.shaderFloat16 = VK_TRUE;
    f12.vulkanMemoryModel = VK_TRUE;
  }
  VkPhysicalDeviceVulkan11Features f11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &f12};
  f11.storageBuffer16BitAccess = VK_TRUE;
  VkDeviceCreateInfo create{VK_STRUCTURE_TYPE_DEVICE_CREATE_INFO, &f11};
  create.queueCreateInfoCount = 1;
  create.pQueueCreateInfos = &queue;
  std::vector<const char*> extensions;
  if (physical.has_memory_budget) extensions.push_back(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  if (physical.integer_dot) {
    extensions.push_back(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  }
  if (physical.matrix.m > 0) {
    extensions.push_back(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME);
    extensions.push_back(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);
  }
  create.enabledExtensionCount = static_cast<std::uint32_t>(extensions.size());
  create.ppEnabledExtensionNames = extensions.data();
  VkResult result = api.CreateDevice(physical.handle, &create, nullptr, &self->device_);
  if (result != VK_SUCCESS) {
    self->device_ = VK_NULL_HANDLE;
    return self->error(result, "opening it");
  }
  api.GetDeviceQueue(self->device_, physical.queue_family, 0, &self->queue_);

  VkCommandPoolCreateInfo pool{VK_STRUCTURE_TYPE_COMMAND_POOL_CREATE_INFO};
  pool.queueFamilyIndex = physical.queue_family;
  pool.flags = VK_COMMAND_POOL_CREATE_RESET_COMMAND_BUFFER_BIT;
  result = api.CreateCommandPool(self->device_, &pool, nullptr, &self->pool_);
  if (result != VK_SUCCESS) return self->error(result, "making a command pool");
  VkSemaphoreTypeCreateInfo type{VK_STRUCTURE_TYPE_SEMAPHORE_TYPE_CREATE_INFO};
  type.semaphoreType = VK_SEMAPHORE_TYPE_TIMELINE;
  const VkSemaphoreCreateInfo semaphore{VK_STRUCTURE_TYPE_SEMAPHORE_CREATE_INFO, &type};
  result = api.CreateSemaphore(self->device_, &semaphore, nullptr, &self->timeline_);
  if (result != VK_SUCCESS) return self->error(result, "making a timeline");
  return self;
}

VulkanDevice::~VulkanDevice() {
  if (device_ == VK_NULL_HANDLE) return;
  api().DeviceWaitIdle(device_);
  api().DestroySemaphore(device_, timeline_, nullptr);
  api().DestroyCommandPool(device_, pool_, nullptr);
  api().DestroyDevice(device_, nullptr);
}

void VulkanDevice::submit(VkCommandBuffer commands) {
  if (failed_ != VK_SUCCESS) return;
  const std::uint64_t value = submitted_ + 1;
  VkTimelineSemaphoreSubmitInfo timeline{VK_STRUCTURE_TYPE_TIMELINE_SEMAPHORE_SUBMIT_INFO};
  timeline.signalSemaphoreValueCount = 1;
  timeline.pSignalSemaphoreValues = &value;
  VkSubmitInfo submit{VK_STRUCTURE_TYPE_SUBMIT_INFO, &timeline};
  submit.commandBufferCount = 1;
  submit.pCommandBuffers = &commands;
  submit.signalSemaphoreCount = 1;
  submit.pSignalSemaphores = &timeline_;
  failed_ = api().QueueSubmit(queue_, 1, &submit, VK_NULL_HANDLE);
  if (failed_ == VK_SUCCESS) submitted_ = value;
}

Result<bool> VulkanDevice::wait(std::uint64_t timeout_ns) {
  if (busy() && failed_ != VK_ERROR_DEVICE_LOST) {
    VkSemaphoreWaitInfo info{VK_STRUCTURE_TYPE_SEMAPHORE_WAIT_INFO};
    info.semaphoreCount = 1;
    info.pSemaphores = &timeline_;
    info.pValues = &submitted_;
    const VkResult result = api().WaitSemaphores(device_, &info, timeout_ns);
    if (result == VK_TIMEOUT) return false;
    if (result == VK_SUCCESS) {
      waited_ = submitted_;
    } else {
      failed_ = result;
    }
  }
  if (failed_ == VK_SUCCESS) return true;
  // Of a failure other than a loss, such as a lack of memory, the device may recover.
  const VkResult result =
      failed_ == VK_ERROR_DEVICE_LOST ? failed_ : std::exchange(failed_, VK_SUCCESS);
  return error(result, "computing");
}

Error VulkanDevice::error(VkResult result, std::string_view doing) {
  switch (result) {
    case VK_ERROR_DEVICE_LOST:
      failed_ = VK_ERROR_DEVICE_LOST;
      // Nothing more will ever be done, but what runs may still touch memory that is freed next.
      // A lost device comes to rest in finite time (Vulkan specification, "Lost Device").
      if (busy()) api().DeviceWaitIdle(device_);
      waited_ = submitted_;
      return Error{
          ErrorCode::device,
          fmt::format("{} was lost while {}: it was reset, unplugged or suspended. Open the "
                      "model again to go on",
                      physical_.name, doing)};
    case VK_ERROR_OUT_OF_DEVICE_MEMORY:
      return Error{ErrorCode::out_of_memory,
                   fmt::format("{} has no memory left for {}", physical_.name, doing)};
    case VK_ERROR_OUT_OF_HOST_MEMORY:
      return Error{ErrorCode::out_of_memory,
                   fmt::format("there is no memory left for {} on {}", doing, physical_.name)};
    default:
      return Error{ErrorCode::device, fmt::format("{} failed while {} (VkResult {})",
                                                  physical_.name, doing, static_cast<int>(result))};
  }
}

}  // namespace mneme
