// SPDX-License-Identifier: Apache-2.0
#include "tests/support/faulty_vulkan.h"

#include <algorithm>
#include <cstring>
#include <map>
#include <string>

#include "base/check.h"
#include "gpu/vulkan/vulkan_backend.h"

namespace mneme {
namespace {

VulkanFaults g_faults;
long g_calls = 0;
long g_submits = 0;
long g_dispatches = 0;
long g_waits = 0;
bool g_active = false;

PFN_vkVoidFunction real(VkInstance instance, const char* name) {
  return system_vulkan_loader().find(instance, name);
}

VkInstance g_instance = VK_NULL_HANDLE;

// The driver's device, and what stands for it when it is shown a second time.
VkPhysicalDevice g_first = VK_NULL_HANDLE;
char g_second_place = 0;
const auto kSecond = reinterpret_cast<VkPhysicalDevice>(&g_second_place);
std::map<VkDevice, int> g_devices;  // opened, by index
std::map<VkQueue, int> g_queues;

template <class F>
F real_of(const char* name) {
  return reinterpret_cast<F>(real(g_instance, name));
}

bool lost() {
  return g_faults.lose_at_submit >= 0 && g_submits > g_faults.lose_at_submit;
}

VkPhysicalDevice unmasked(VkPhysicalDevice device) {
  return device == kSecond ? g_first : device;
}

// Whether the device that a handle belongs to is the faulty one.
bool is_faulty(VkPhysicalDevice device) {
  return (device == kSecond ? 1 : 0) == g_faults.faulty;
}
bool is_faulty(VkDevice device) {
  return g_devices[device] == g_faults.faulty;
}
bool is_faulty(VkQueue queue) {
  return g_queues[queue] == g_faults.faulty;
}
bool is_faulty(VkCommandBuffer) {
  return g_faults.devices == 1;  // of two it does not say whose it is
}

// The driver's functions that may lack memory, by slot.
constexpr const char* kFallible[] = {"vkCreateDevice",
                                     "vkCreateCommandPool",
                                     "vkCreateSemaphore",
                                     "vkAllocateMemory",
                                     "vkMapMemory",
                                     "vkCreateBuffer",
                                     "vkBindBufferMemory",
                                     "vkCreatePipelineLayout",
                                     "vkCreatePipelineCache",
                                     "vkCreateShaderModule",
                                     "vkCreateComputePipelines",
                                     "vkAllocateCommandBuffers",
                                     "vkBeginCommandBuffer",
                                     "vkEndCommandBuffer",
                                     "vkCreateQueryPool"};

template <int Slot, class Handle, class... Args>
VKAPI_ATTR VkResult VKAPI_CALL fallible(Handle handle, Args... args) {
  if (lost() && is_faulty(handle)) return VK_ERROR_DEVICE_LOST;
  if (g_calls++ == g_faults.fail_call) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  using F = VkResult(VKAPI_PTR*)(Handle, Args...);
  return real_of<F>(kFallible[Slot])(handle, args...);
}

VKAPI_ATTR VkResult VKAPI_CALL create_device(VkPhysicalDevice physical,
                                             const VkDeviceCreateInfo* info,
                                             const VkAllocationCallbacks* callbacks,
                                             VkDevice* device) {
  if (g_faults.cannot_open && is_faulty(physical)) return VK_ERROR_INITIALIZATION_FAILED;
  const VkResult result = fallible<0>(unmasked(physical), info, callbacks, device);
  if (result == VK_SUCCESS) g_devices[*device] = physical == kSecond ? 1 : 0;
  return result;
}

VKAPI_ATTR void VKAPI_CALL queue_of(VkDevice device, std::uint32_t family, std::uint32_t index,
                                    VkQueue* queue) {
  real_of<PFN_vkGetDeviceQueue>("vkGetDeviceQueue")(device, family, index, queue);
  g_queues[*queue] = g_devices[device];
}

VKAPI_ATTR VkResult VKAPI_CALL submit(VkQueue queue, std::uint32_t count, const VkSubmitInfo* info,
                                      VkFence fence) {
  if (is_faulty(queue)) {
    const bool was_lost = lost();
    ++g_submits;
    if (was_lost || (lost() && !g_faults.lose_at_wait)) return VK_ERROR_DEVICE_LOST;
  }
  if (g_calls++ == g_faults.fail_call) return VK_ERROR_OUT_OF_DEVICE_MEMORY;
  return real_of<PFN_vkQueueSubmit>("vkQueueSubmit")(queue, count, info, fence);
}

VKAPI_ATTR VkResult VKAPI_CALL wait(VkDevice device, const VkSemaphoreWaitInfo* info,
                                    std::uint64_t timeout) {
  const VkResult result = real_of<PFN_vkWaitSemaphores>("vkWaitSemaphores")(device, info, timeout);
  return lost() && is_faulty(device) ? VK_ERROR_DEVICE_LOST : result;
}

VKAPI_ATTR void VKAPI_CALL dispatch(VkCommandBuffer commands, VkBuffer groups,
                                    VkDeviceSize offset) {
  ++g_dispatches;
  real_of<PFN_vkCmdDispatchIndirect>("vkCmdDispatchIndirect")(commands, groups, offset);
}

VKAPI_ATTR void VKAPI_CALL barrier(VkCommandBuffer commands, VkPipelineStageFlags from,
                                   VkPipelineStageFlags to, VkDependencyFlags flags,
                                   std::uint32_t memory_count, const VkMemoryBarrier* memory,
                                   std::uint32_t buffer_count, const VkBufferMemoryBarrier* buffers,
                                   std::uint32_t image_count, const VkImageMemoryBarrier* images) {
  if ((from & to & VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT) != 0) ++g_waits;
  real_of<PFN_vkCmdPipelineBarrier>("vkCmdPipelineBarrier")(
      commands, from, to, flags, memory_count, memory, buffer_count, buffers, image_count, images);
}

VKAPI_ATTR VkResult VKAPI_CALL create_instance(const VkInstanceCreateInfo* info,
                                               const VkAllocationCallbacks* callbacks,
                                               VkInstance* instance) {
  if (g_faults.no_driver) return VK_ERROR_INCOMPATIBLE_DRIVER;
  const VkResult result = reinterpret_cast<PFN_vkCreateInstance>(real(nullptr, "vkCreateInstance"))(
      info, callbacks, instance);
  if (result == VK_SUCCESS) g_instance = *instance;
  return result;
}

VKAPI_ATTR VkResult VKAPI_CALL enumerate(VkInstance instance, std::uint32_t* count,
                                         VkPhysicalDevice* devices) {
  if (g_faults.no_devices) {
    *count = 0;
    return VK_SUCCESS;
  }
  if (g_faults.devices == 1) {
    return real_of<PFN_vkEnumeratePhysicalDevices>("vkEnumeratePhysicalDevices")(instance, count,
                                                                                 devices);
  }
  std::uint32_t one = 1;
  real_of<PFN_vkEnumeratePhysicalDevices>("vkEnumeratePhysicalDevices")(instance, &one, &g_first);
  *count = 2;
  if (devices != nullptr) {
    devices[0] = g_first;
    devices[1] = kSecond;
  }
  return VK_SUCCESS;
}

VKAPI_ATTR void VKAPI_CALL properties(VkPhysicalDevice device, VkPhysicalDeviceProperties* out) {
  real_of<PFN_vkGetPhysicalDeviceProperties>("vkGetPhysicalDeviceProperties")(unmasked(device),
                                                                              out);
  if (g_faults.discrete) out->deviceType = VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
  if (device == kSecond) std::strcpy(out->deviceName, "the second device");
  if (g_faults.old_driver && is_faulty(device)) out->apiVersion = VK_API_VERSION_1_1;
}

constexpr VkStructureType kDotProperties =
    VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES_KHR;

VKAPI_ATTR void VKAPI_CALL properties2(VkPhysicalDevice device, VkPhysicalDeviceProperties2* out) {
  real_of<PFN_vkGetPhysicalDeviceProperties2>("vkGetPhysicalDeviceProperties2")(unmasked(device),
                                                                                out);
  for (auto* next = static_cast<VkBaseOutStructure*>(out->pNext); next; next = next->pNext) {
    if (next->sType == kDotProperties && g_faults.integer_dot) {
      reinterpret_cast<VkPhysicalDeviceShaderIntegerDotProductPropertiesKHR*>(next)
          ->integerDotProduct4x8BitPackedSignedAccelerated = VK_TRUE;
    }
  }
}

VKAPI_ATTR VkResult VKAPI_CALL extensions(VkPhysicalDevice device, const char* layer,
                                          std::uint32_t* count, VkExtensionProperties* out) {
  return real_of<PFN_vkEnumerateDeviceExtensionProperties>("vkEnumerateDeviceExtensionProperties")(
      unmasked(device), layer, count, out);
}

VKAPI_ATTR void VKAPI_CALL features(VkPhysicalDevice device, VkPhysicalDeviceFeatures2* out) {
  real_of<PFN_vkGetPhysicalDeviceFeatures2>("vkGetPhysicalDeviceFeatures2")(unmasked(device), out);
  if (!is_faulty(device)) return;
  for (auto* next = static_cast<VkBaseOutStructure*>(out->pNext); next; next = next->pNext) {
    if (next->sType != VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES) continue;
    if (g_faults.no_16_bit_storage) {
      reinterpret_cast<VkPhysicalDeviceVulkan11Features*>(next)->storageBuffer16BitAccess =
          VK_FALSE;
    }
  }
}

VKAPI_ATTR void VKAPI_CALL families(VkPhysicalDevice device, std::uint32_t* count,
                                    VkQueueFamilyProperties* out) {
  real_of<PFN_vkGetPhysicalDeviceQueueFamilyProperties>("vkGetPhysicalDeviceQueueFamilyProperties")(
      unmasked(device), count, out);
  for (std::uint32_t i = 0; out != nullptr && g_faults.no_timestamps && i < *count; ++i) {
    out[i].timestampValidBits = 0;
  }
}

VKAPI_ATTR void VKAPI_CALL memory(VkPhysicalDevice device, VkPhysicalDeviceMemoryProperties2* out) {
  real_of<PFN_vkGetPhysicalDeviceMemoryProperties2>("vkGetPhysicalDeviceMemoryProperties2")(
      unmasked(device), out);
  if (g_faults.heap_bytes == 0 || !is_faulty(device)) return;
  for (VkMemoryHeap& heap : out->memoryProperties.memoryHeaps) heap.size = g_faults.heap_bytes;
}

template <class F>
PFN_vkVoidFunction erased(F function) {
  return reinterpret_cast<PFN_vkVoidFunction>(function);
}

PFN_vkVoidFunction find(VkInstance instance, const char* name) {
  static const std::map<std::string, PFN_vkVoidFunction, std::less<>> faulty = {
      {"vkCreateInstance", erased(create_instance)},
      {"vkEnumeratePhysicalDevices", erased(enumerate)},
      {"vkGetPhysicalDeviceProperties", erased(properties)},
      {"vkGetPhysicalDeviceFeatures2", erased(features)},
      {"vkGetPhysicalDeviceQueueFamilyProperties", erased(families)},
      {"vkGetPhysicalDeviceMemoryProperties2", erased(memory)},
      {"vkCmdDispatchIndirect", erased(dispatch)},
      {"vkCmdPipelineBarrier", erased(barrier)},
      {"vkQueueSubmit", erased(submit)},
      {"vkWaitSemaphores", erased(wait)},
      {"vkGetPhysicalDeviceProperties2", erased(properties2)},
      {"vkEnumerateDeviceExtensionProperties", erased(extensions)},
      {"vkGetDeviceQueue", erased(queue_of)},
      {kFallible[0], erased(create_device)},
      {kFallible[1], erased(PFN_vkCreateCommandPool(fallible<1>))},
      {kFallible[2], erased(PFN_vkCreateSemaphore(fallible<2>))},
      {kFallible[3], erased(PFN_vkAllocateMemory(fallible<3>))},
      {kFallible[4], erased(PFN_vkMapMemory(fallible<4>))},
      {kFallible[5], erased(PFN_vkCreateBuffer(fallible<5>))},
      {kFallible[6], erased(PFN_vkBindBufferMemory(fallible<6>))},
      {kFallible[7], erased(PFN_vkCreatePipelineLayout(fallible<7>))},
      {kFallible[8], erased(PFN_vkCreatePipelineCache(fallible<8>))},
      {kFallible[9], erased(PFN_vkCreateShaderModule(fallible<9>))},
      {kFallible[10], erased(PFN_vkCreateComputePipelines(fallible<10>))},
      {kFallible[11], erased(PFN_vkAllocateCommandBuffers(fallible<11>))},
      {kFallible[12], erased(PFN_vkBeginCommandBuffer(fallible<12>))},
      {kFallible[13], erased(PFN_vkEndCommandBuffer(fallible<13>))},
      {kFallible[14], erased(PFN_vkCreateQueryPool(fallible<14>))},
  };
  const auto found = faulty.find(name);
  return found == faulty.end() ? real(instance, name) : found->second;
}

}  // namespace

FaultyVulkan::FaultyVulkan(const VulkanFaults& faults) {
  CHECK(!g_active);
  g_active = true;
  g_faults = faults;
  g_calls = 0;
  g_submits = 0;
  g_dispatches = 0;
  g_waits = 0;
  g_devices.clear();
  g_queues.clear();
}

FaultyVulkan::~FaultyVulkan() {
  g_faults = {};
  g_active = false;
}

VulkanLoader FaultyVulkan::loader() const {
  return {find, ""};
}
long FaultyVulkan::calls() {
  return g_calls;
}
long FaultyVulkan::submits() {
  return g_submits;
}
long FaultyVulkan::waits() {
  return g_waits;
}
long FaultyVulkan::dispatches() {
  return g_dispatches;
}

std::string no_vulkan_reason() {
  return list_vulkan_devices(system_vulkan_loader()).front().unusable;
}

}  // namespace mneme
