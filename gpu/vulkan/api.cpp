// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/api.h"

#include <dlfcn.h>

namespace mneme {

const VulkanLoader& system_vulkan_loader() {
  static const VulkanLoader loader = [] {
    void* library = ::dlopen("libvulkan.so.1", RTLD_NOW | RTLD_LOCAL);
    if (library == nullptr) {
      return VulkanLoader{nullptr,
                          "there is no Vulkan loader on this machine (libvulkan.so.1; Debian: "
                          "libvulkan1)"};
    }
    const auto find =
        reinterpret_cast<PFN_vkGetInstanceProcAddr>(::dlsym(library, "vkGetInstanceProcAddr"));
    if (find == nullptr) {
      return VulkanLoader{nullptr, "libvulkan.so.1 is no Vulkan loader: install libvulkan1 again"};
    }
    VulkanLoader found{find, ""};
    const auto create = reinterpret_cast<PFN_vkCreateInstance>(find(nullptr, "vkCreateInstance"));
    VkApplicationInfo application{VK_STRUCTURE_TYPE_APPLICATION_INFO};
    application.apiVersion = VK_API_VERSION_1_2;
    VkInstanceCreateInfo info{VK_STRUCTURE_TYPE_INSTANCE_CREATE_INFO};
    info.pApplicationInfo = &application;
    // A failure comes again, and is told, where an instance is needed.
    if (create != nullptr) (void)create(&info, nullptr, &found.kept);
    return found;
  }();
  return loader;
}

bool VulkanApi::load_global(const VulkanLoader& loader) {
  bool all = true;
#define F(name)                                                            \
  name = reinterpret_cast<PFN_vk##name>(loader.find(nullptr, "vk" #name)); \
  all = all && name != nullptr;
  MNEME_VK_GLOBAL(F)
#undef F
  return all;
}

bool VulkanApi::load_instance(const VulkanLoader& loader, VkInstance instance) {
  bool all = true;
#define F(name)                                                             \
  name = reinterpret_cast<PFN_vk##name>(loader.find(instance, "vk" #name)); \
  all = all && name != nullptr;
  MNEME_VK_INSTANCE(F)
  MNEME_VK_DEVICE(F)
#undef F
  CreateDebugUtilsMessengerEXT = reinterpret_cast<PFN_vkCreateDebugUtilsMessengerEXT>(
      loader.find(instance, "vkCreateDebugUtilsMessengerEXT"));
  DestroyDebugUtilsMessengerEXT = reinterpret_cast<PFN_vkDestroyDebugUtilsMessengerEXT>(
      loader.find(instance, "vkDestroyDebugUtilsMessengerEXT"));
  GetCooperativeMatrixProperties =
      reinterpret_cast<PFN_vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR>(
          loader.find(instance, "vkGetPhysicalDeviceCooperativeMatrixPropertiesKHR"));
  return all;
}

}  // namespace mneme
