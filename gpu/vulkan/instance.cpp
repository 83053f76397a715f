// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/instance.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>
#include <mutex>
#include <utility>

namespace mneme {
namespace {

constexpr const char* kValidationLayer = "VK_LAYER_KHRONOS_validation";

std::string version_text(std::uint32_t version) {
  return fmt::format("{}.{}", VK_API_VERSION_MAJOR(version), VK_API_VERSION_MINOR(version));
}

// Asks `head` to be answered with `more`, too.
template <class Head, class More>
void chain(Head& head, More& more, bool wanted) {
  if (!wanted) return;
  more.pNext = head.pNext;
  head.pNext = &more;
}

bool has_validation_layer(const VulkanApi& api) {
  std::uint32_t count = 0;
  api.EnumerateInstanceLayerProperties(&count, nullptr);
  std::vector<VkLayerProperties> layers(count);
  api.EnumerateInstanceLayerProperties(&count, layers.data());
  return std::any_of(layers.begin(), layers.end(), [](const VkLayerProperties& layer) {
    return std::strcmp(layer.layerName, kValidationLayer) == 0;
  });
}

}  // namespace

// Drivers and layers may speak from threads of their own.
struct VulkanInstance::Messages {
  std::mutex mutex;
  std::string text;

  static VKAPI_ATTR VkBool32 VKAPI_CALL receive(VkDebugUtilsMessageSeverityFlagBitsEXT,
                                                VkDebugUtilsMessageTypeFlagsEXT,
                                                const VkDebugUtilsMessengerCallbackDataEXT* data,
                                                void* self) {
    auto& messages = *static_cast<Messages*>(self);
    const std::lock_guard lock(messages.mutex);
    if (messages.text.size() < 4000) messages.text += std::string(data->pMessage) + "\n";
    return VK_FALSE;
  }
};

Result<std::shared_ptr<VulkanInstance>> VulkanInstance::open(const VulkanLoader& loader,
                                                             bool validate) {
  const auto refuse = [](std::string reason) {
    return Error{ErrorCode::unsupported, std::move(reason)};
  };
  if (!loader.find) return refuse(loader.reason);
  std::shared_ptr<VulkanInstance> self(new VulkanInstance);
  VulkanApi& api = self->api_;
  if (!api.load_global(loader)) return refuse("the Vulkan loader is older than Vulkan 1.1");
  if (validate && !has_validation_layer(api)) {
    return refuse("Vulkan's validation layer is not installed (Debian: vulkan-validationlayers)");
  }
  VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
  application.pApplicationName = "mneme";
  application.apiVersion = VK_API_VERSION_1_2;
  VkInstanceCreateInfo create{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
  create.pApplicationInfo = &application;
  const char* const extension = VK_EXT_DEBUG_UTILS_EXTENSION_NAME;
  if (validate) {
    create.enabledLayerCount = 1;
    create.ppEnabledLayerNames = &kValidationLayer;
    create.enabledExtensionCount = 1;
    create.ppEnabledExtensionNames = &extension;
  }
  const VkResult result = api.CreateInstance(&create, nullptr, &self->instance_);
  if (result == VK_ERROR_INCOMPATIBLE_DRIVER) {
    return refuse("there is no Vulkan driver on this machine (Debian: mesa-vulkan-drivers)");
  }
  if (result != VK_SUCCESS) {
    return refuse(
        fmt::format("Vulkan could not be started (VkResult {})", static_cast<int>(result)));
  }
  if (!api.load_instance(loader, self->instance_)) {
    return refuse("the Vulkan loader is older than Vulkan 1.2: a newer libvulkan1 is needed");
  }
  if (validate) {
    self->messages_ = std::make_unique<Messages>();
    VkDebugUtilsMessengerCreateInfoEXT listen{
        VK_STRUCTURE_TYPE_DEBUG_UTILS_MESSENGER_CREATE_INFO_EXT};
    listen.messageSeverity = VK_DEBUG_UTILS_MESSAGE_SEVERITY_WARNING_BIT_EXT |
                             VK_DEBUG_UTILS_MESSAGE_SEVERITY_ERROR_BIT_EXT;
    listen.messageType = VK_DEBUG_UTILS_MESSAGE_TYPE_VALIDATION_BIT_EXT |
                         VK_DEBUG_UTILS_MESSAGE_TYPE_PERFORMANCE_BIT_EXT;
    listen.pfnUserCallback = Messages::receive;
    listen.pUserData = self->messages_.get();
    api.CreateDebugUtilsMessengerEXT(self->instance_, &listen, nullptr, &self->messenger_);
  }
  return self;
}

VulkanInstance::~VulkanInstance() {
  if (messenger_ != VK_NULL_HANDLE) {
    api_.DestroyDebugUtilsMessengerEXT(instance_, messenger_, nullptr);
  }
  if (api_.DestroyInstance != nullptr) api_.DestroyInstance(instance_, nullptr);
}

std::string VulkanInstance::take_validation_messages() {
  if (!messages_) return {};
  const std::lock_guard lock(messages_->mutex);
  return std::exchange(messages_->text, {});
}

Result<std::vector<VulkanPhysicalDevice>> VulkanInstance::devices() const {
  std::uint32_t count = 0;
  std::vector<VkPhysicalDevice> handles;
  VkResult result = VK_INCOMPLETE;
  while (result == VK_INCOMPLETE) {  // one may have been plugged in between the two calls
    result = api_.EnumeratePhysicalDevices(instance_, &count, nullptr);
    if (result != VK_SUCCESS) break;
    handles.resize(count);
    result = api_.EnumeratePhysicalDevices(instance_, &count, handles.data());
  }
  if (result != VK_SUCCESS || count == 0) {
    return Error{ErrorCode::unsupported,
                 "no Vulkan driver on this machine shows a device (Debian: mesa-vulkan-drivers)"};
  }
  std::vector<VulkanPhysicalDevice> devices;
  for (std::uint32_t i = 0; i < count; ++i) devices.push_back(describe(handles[i]));
  return devices;
}

VulkanPhysicalDevice VulkanInstance::describe(VkPhysicalDevice handle) const {
  VulkanPhysicalDevice device;
  device.handle = handle;
  VkPhysicalDeviceProperties properties{};
  api_.GetPhysicalDeviceProperties(handle, &properties);
  device.name = properties.deviceName;
  device.type = properties.deviceType;
  device.driver = fmt::format("Vulkan {}", version_text(properties.apiVersion));
  if (properties.apiVersion < VK_API_VERSION_1_2) {
    device.unusable =
        fmt::format("its driver offers Vulkan {}, Mneme needs 1.2: is there a newer driver?",
                    version_text(properties.apiVersion));
    return device;
  }

  std::uint32_t count = 0;
  api_.EnumerateDeviceExtensionProperties(handle, nullptr, &count, nullptr);
  std::vector<VkExtensionProperties> extensions(count);
  api_.EnumerateDeviceExtensionProperties(handle, nullptr, &count, extensions.data());
  const auto has = [&](const char* name) {
    return std::any_of(extensions.begin(), extensions.end(), [&](const VkExtensionProperties& e) {
      return std::strcmp(e.extensionName, name) == 0;
    });
  };
  device.has_memory_budget = has(VK_EXT_MEMORY_BUDGET_EXTENSION_NAME);
  const bool has_dot = has(VK_KHR_SHADER_INTEGER_DOT_PRODUCT_EXTENSION_NAME);
  const bool has_matrix = has(VK_KHR_COOPERATIVE_MATRIX_EXTENSION_NAME) &&
                          has(VK_EXT_SUBGROUP_SIZE_CONTROL_EXTENSION_NAME);

  VkPhysicalDeviceShaderIntegerDotProductPropertiesKHR dot_properties{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_PROPERTIES_KHR};
  VkPhysicalDeviceCooperativeMatrixPropertiesKHR matrix_properties{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_PROPERTIES_KHR};
  VkPhysicalDeviceVulkan12Properties v12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_PROPERTIES};
  chain(v12, dot_properties, has_dot);
  chain(v12, matrix_properties, has_matrix);
  VkPhysicalDeviceVulkan11Properties v11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_PROPERTIES,
                                         &v12};
  VkPhysicalDeviceProperties2 properties2{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_PROPERTIES_2, &v11};
  api_.GetPhysicalDeviceProperties2(handle, &properties2);
  device.driver = fmt::format("{} {}, Vulkan {}", v12.driverName, v12.driverInfo,
                              version_text(properties.apiVersion));
  device.subgroup_size = v11.subgroupSize;
  device.allocation_bytes_max = v11.maxMemoryAllocationSize;
  device.lanes_max = std::min(properties.limits.maxComputeWorkGroupInvocations,
                              properties.limits.maxComputeWorkGroupSize[0]);
  device.shared_bytes_max = properties.limits.maxComputeSharedMemorySize;
  device.timestamp_ns = properties.limits.timestampPeriod;
  std::copy(std::begin(properties.pipelineCacheUUID), std::end(properties.pipelineCacheUUID),
            device.cache_uuid.begin());

  VkPhysicalDeviceShaderIntegerDotProductFeaturesKHR dot_features{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SHADER_INTEGER_DOT_PRODUCT_FEATURES_KHR};
  VkPhysicalDeviceCooperativeMatrixFeaturesKHR matrix_features{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_COOPERATIVE_MATRIX_FEATURES_KHR};
  VkPhysicalDeviceVulkan12Features f12{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_2_FEATURES};
  chain(f12, dot_features, has_dot);
  VkPhysicalDeviceSubgroupSizeControlFeaturesEXT size_features{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_SUBGROUP_SIZE_CONTROL_FEATURES_EXT};
  chain(f12, matrix_features, has_matrix);
  chain(f12, size_features, has_matrix);
  VkPhysicalDeviceVulkan11Features f11{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_VULKAN_1_1_FEATURES, &f12};
  VkPhysicalDeviceFeatures2 features{VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_FEATURES_2, &f11};
  api_.GetPhysicalDeviceFeatures2(handle, &features);
  if (f11.storageBuffer16BitAccess == VK_FALSE) {
    device.unusable = "it cannot read 16-bit values from memory";
  } else if (f12.bufferDeviceAddress == VK_FALSE) {
    device.unusable = "it cannot find memory by address (bufferDeviceAddress)";
  } else if (f12.timelineSemaphore == VK_FALSE) {
    device.unusable = "it has no timeline semaphores";
  } else if ((v11.subgroupSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) == 0 ||
             (v11.subgroupSupportedOperations & VK_SUBGROUP_FEATURE_ARITHMETIC_BIT) == 0) {
    device.unusable = "its subgroups cannot add";
  }
  // Where they would be made of several instructions, products of floats are as fast and closer.
  device.integer_dot = dot_features.shaderIntegerDotProduct == VK_TRUE &&
                       dot_properties.integerDotProduct4x8BitPackedSignedAccelerated == VK_TRUE;
  // A processor that plays a GPU has no such hardware, and says that it can.
  if (device.type != VK_PHYSICAL_DEVICE_TYPE_CPU && matrix_features.cooperativeMatrix == VK_TRUE &&
      f12.shaderFloat16 == VK_TRUE && f12.vulkanMemoryModel == VK_TRUE &&
      size_features.computeFullSubgroups == VK_TRUE &&
      (matrix_properties.cooperativeMatrixSupportedStages & VK_SHADER_STAGE_COMPUTE_BIT) != 0) {
    device.matrix = largest_matrix(handle);
  }

  api_.GetPhysicalDeviceQueueFamilyProperties(handle, &count, nullptr);
  std::vector<VkQueueFamilyProperties> families(count);
  api_.GetPhysicalDeviceQueueFamilyProperties(handle, &count, families.data());
  const auto computes = [](const VkQueueFamilyProperties& family) {
    return (family.queueFlags & VK_QUEUE_COMPUTE_BIT) != 0;
  };
  const auto family = std::find_if(families.begin(), families.end(), computes);
  if (family == families.end()) {
    if (device.unusable.empty()) device.unusable = "it only draws: it has no compute queue";
  } else {
    device.queue_family = static_cast<std::uint32_t>(family - families.begin());
    device.timestamp_bits = family->timestampValidBits;
  }
  return device;
}

// Of those that tiles are made of (shaders/matmul_many_matrix.comp).
VulkanMatrix VulkanInstance::largest_matrix(VkPhysicalDevice handle) const {
  if (api_.GetCooperativeMatrixProperties == nullptr) return {};
  std::uint32_t count = 0;
  api_.GetCooperativeMatrixProperties(handle, &count, nullptr);
  std::vector<VkCooperativeMatrixPropertiesKHR> offers(
      count, {VK_STRUCTURE_TYPE_COOPERATIVE_MATRIX_PROPERTIES_KHR});
  api_.GetCooperativeMatrixProperties(handle, &count, offers.data());
  const auto divides = [](std::uint32_t size, std::uint32_t whole) {
    return size > 0 && whole % size == 0;
  };
  VulkanMatrix best;
  for (const VkCooperativeMatrixPropertiesKHR& offer : offers) {
    if (offer.AType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
        offer.BType == VK_COMPONENT_TYPE_FLOAT16_KHR &&
        offer.CType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
        offer.ResultType == VK_COMPONENT_TYPE_FLOAT32_KHR &&
        offer.saturatingAccumulation == VK_FALSE && offer.scope == VK_SCOPE_SUBGROUP_KHR &&
        divides(offer.MSize, 32) && divides(offer.NSize, 64) && divides(offer.KSize, 32) &&
        offer.MSize * offer.NSize * offer.KSize > best.m * best.n * best.k) {
      best = {offer.MSize, offer.NSize, offer.KSize};
    }
  }
  return best;
}

VulkanInstance::Heap VulkanInstance::memory(const VulkanPhysicalDevice& device) const {
  VkPhysicalDeviceMemoryBudgetPropertiesEXT budget{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_BUDGET_PROPERTIES_EXT};
  VkPhysicalDeviceMemoryProperties2 properties{
      VK_STRUCTURE_TYPE_PHYSICAL_DEVICE_MEMORY_PROPERTIES_2};
  if (device.has_memory_budget) properties.pNext = &budget;
  api_.GetPhysicalDeviceMemoryProperties2(device.handle, &properties);
  Heap largest;  // of the device's own heaps; another may be a small window for the host
  for (std::uint32_t i = 0; i < properties.memoryProperties.memoryHeapCount; ++i) {
    const VkMemoryHeap& heap = properties.memoryProperties.memoryHeaps[i];
    if ((heap.flags & VK_MEMORY_HEAP_DEVICE_LOCAL_BIT) == 0 || heap.size <= largest.total_bytes) {
      continue;
    }
    largest = {heap.size, heap.size};
    if (device.has_memory_budget) {
      largest.free_bytes = budget.heapBudget[i] > budget.heapUsage[i]
                               ? budget.heapBudget[i] - budget.heapUsage[i]
                               : 0;
    }
  }
  return largest;
}

}  // namespace mneme
