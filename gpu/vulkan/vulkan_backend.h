// SPDX-License-Identifier: Apache-2.0
// A Vulkan device as a backend, and the list of all that there are.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "gpu/backend.h"
#include "gpu/device_info.h"
#include "gpu/vulkan/api.h"

namespace mneme {

struct VulkanOptions {
  std::size_t index = 0;     // into the driver's list of devices
  std::string cache_folder;  // for compiled pipelines; "" = nowhere
  bool validate = false;     // under the validation layer: what it says is an error of finish()
};

// Errors: unsupported (no loader, no driver, no such device, the device's own reason),
// out_of_memory, device.
Result<std::unique_ptr<Backend>> open_vulkan_backend(const VulkanLoader& loader,
                                                     const VulkanOptions& options);

// One entry with the reason where there is no Vulkan at all.
std::vector<DeviceInfo> list_vulkan_devices(const VulkanLoader& loader,
                                            DeviceList which = DeviceList::all);

}  // namespace mneme
