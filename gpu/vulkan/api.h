// SPDX-License-Identifier: Apache-2.0
// Vulkan's functions, found at run time: the program starts without a Vulkan library, and tests
// put their own functions in place of the driver's.
#pragma once

#define VK_NO_PROTOTYPES
#include <vulkan/vulkan.h>

#include <cstdint>
#include <functional>
#include <string>

// Debian 12's header is older than this extension: what Mneme asks of it, from the Vulkan registry.
#ifndef VK_KHR_cooperative_matrix
#define VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME "VK_KHR_cooperative_matrix"
constexpr auto VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR =
    static_cast<VkStructureType>(1000506000);
constexpr auto VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR =
    static_cast<VkStructureType>(1000506001);
constexpr auto VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR =
    static_cast<VkStructureType>(1000506002);
enum VkComponentTypeKHR { VK_COMPONENT_TYPE_FLOAT16_KHR = 0, VK_COMPONENT_TYPE_FLOAT32_KHR = 1 };
enum VkScopeKHR { VK_SCOPE_SUBGROUP_KHR = 3 };
struct VkPhysicalDeviceCooperativeMatrixFeaturesKHR {
  VkStructureType sType;
  void* pNext;
  VkBool32 cooperativeMatrix;
  VkBool32 cooperativeMatrixRobustBufferAccess;
};
struct VkPhysicalDeviceCooperativeMatrixPropertiesKHR {
  VkStructureType sType;
  void* pNext;
  VkShaderStageFlags cooperativeMatrixSupportedStages;
};
struct VkCooperativeMatrixPropertiesKHR {
  VkStructureType sType;
  void* pNext;
  std::uint32_t MSize, NSize, KSize;
  VkComponentTypeKHR AType, BType, CType, ResultType;
  VkBool32 saturatingAccumulation;
  VkScopeKHR scope;
};
using PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR =
    VkResult(VKAPI_PTR*)(VkPhysicalDevice, std::uint32_t*, VkCooperativeMatrixPropertiesKHR*);
#endif

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
  PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR GetCooperativeMatrixProperties = nullptr;

  // False where one is missing; then the library is not Vulkan 1.2.
  bool load_global(const VulkanLoader& loader);
  bool load_instance(const VulkanLoader& loader, VkInstance instance);
};

}  // namespace mneme
