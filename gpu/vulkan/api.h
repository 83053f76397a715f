// SPDX-License-Identifier: Apache-2.0
// Vulkan's functions, found at run time: the program starts without a Vulkan library, and tests
// put their own functions in place of the driver's.
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <functional>
#include <string>

namespace mneme {

// Where functions come from. `find` is vkGetInstanceProcAddr, or a test's version of it.
struct VulkanLoader {
  std::function<PFN_vkVoidFunction(VkInstance, const char* name)> find;  // empty: no Vulkan here
  std::string reason;                                                    // why it is empty
  VkInstance kept = VK_NULL_HANDLE;
};

// libvulkan.so.1, opened once and kept. So is a first instance, and with it every driver: to load
// them again for each list of devices costs time, and Mesa's leave memory behind when they go.
const VulkanLoader& system_vulkan_loader();

#define MNEME_VK_GLOBAL(F)    \
  F(CreateInstance)           \
  F(EnumerateInstanceVersion) \
  F(EnumerateInstanceLayerProperties)

#define MNEME_VK_INSTANCE(F)                \
  F(DestroyInstance)                        \
  F(EnumeratePhysicalDevices)               \
  F(GetPhysicalDeviceProperties)            \
  F(GetPhysicalDeviceProperties2)           \
  F(GetPhysicalDeviceFeatures2)             \
  F(GetPhysicalDeviceMemoryProperties2)     \
  F(GetPhysicalDeviceQueueFamilyProperties) \
  F(EnumerateDeviceExtensionProperties)     \
  F(CreateDevice)

#define MNEME_VK_DEVICE(F)       \
  F(DestroyDevice)               \
  F(GetDeviceQueue)              \
  F(AllocateMemory)              \
  F(FreeMemory)                  \
  F(MapMemory)                   \
  F(CreateBuffer)                \
  F(DestroyBuffer)               \
  F(GetBufferMemoryRequirements) \
  F(BindBufferMemory)            \
  F(GetBufferDeviceAddress)      \
  F(CreateShaderModule)          \
  F(DestroyShaderModule)         \
  F(CreatePipelineLayout)        \
  F(DestroyPipelineLayout)       \
  F(CreateComputePipelines)      \
  F(DestroyPipeline)             \
  F(CreatePipelineCache)         \
  F(GetPipelineCacheData)        \
  F(DestroyPipelineCache)        \
  F(CreateCommandPool)           \
  F(DestroyCommandPool)          \
  F(AllocateCommandBuffers)      \
  F(FreeCommandBuffers)          \
  F(BeginCommandBuffer)          \
  F(EndCommandBuffer)            \
  F(CmdBindPipeline)             \
  F(CmdPushConstants)            \
  F(CmdDispatchIndirect)         \
  F(CmdPipelineBarrier)          \
  F(CmdCopyBuffer)               \
  F(CmdFillBuffer)               \
  F(CmdResetQueryPool)           \
  F(CmdWriteTimestamp)           \
  F(CreateQueryPool)             \
  F(DestroyQueryPool)            \
  F(GetQueryPoolResults)         \
  F(QueueSubmit)                 \
  F(CreateSemaphore)             \
  F(DestroySemaphore)            \
  F(WaitSemaphores)              \
  F(DeviceWaitIdle)

struct VulkanApi {
#define F(name) PFN_vk##name name = nullptr;
  MNEME_VK_GLOBAL(F)
  MNEME_VK_INSTANCE(F)
  MNEME_VK_DEVICE(F)
#undef F
  // Extensions; null where the instance does not have them.
  PFN_vkCreateDebugUtilsMessengerEXT CreateDebugUtilsMessengerEXT = nullptr;
  PFN_vkDestroyDebugUtilsMessengerEXT DestroyDebugUtilsMessengerEXT = nullptr;

  // False where one is missing; then the library is not Vulkan 1.2.
  bool load_global(const VulkanLoader& loader);
  bool load_instance(const VulkanLoader& loader, VkInstance instance);
};

}  // namespace mneme
