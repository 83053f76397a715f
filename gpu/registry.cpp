// SPDX-License-Identifier: Apache-2.0
#include "gpu/registry.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <optional>
#include <utility>

#include "base/log.h"
#include "gpu/cpu/cpu_backend.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/cpu/cpu_memory.h"
#include "gpu/cuda/cuda_backend.h"
#include "gpu/cuda/cuda_module.h"
#ifdef MNEME_WITH_VULKAN
#include "gpu/vulkan/vulkan_backend.h"
#endif

namespace mneme {
namespace {

#ifndef MNEME_WITH_VULKAN
constexpr const char* kNotBuilt = "it was not built into this program";
#endif

std::vector<DeviceInfo> vulkan_devices(DeviceList which) {
#ifdef MNEME_WITH_VULKAN
  return list_vulkan_devices(system_vulkan_loader(), which);
#else
  (void)which;
  DeviceInfo none;
  none.id = "vulkan";
  none.name = "Vulkan";
  none.unusable = kNotBuilt;
  return {none};
#endif
}

Result<std::unique_ptr<Backend>> open_vulkan(std::size_t index, const BackendOptions& options) {
#ifdef MNEME_WITH_VULKAN
  return open_vulkan_backend(system_vulkan_loader(), {index, options.cache_folder, false});
#else
  (void)index;
  (void)options;
  return Error{ErrorCode::unsupported, fmt::format("Vulkan cannot be used: {}", kNotBuilt)};
#endif
}

// "vulkan" or "vulkan:1" -> 0 or 1; nothing for anything else.
std::optional<std::size_t> index_of(std::string_view device, std::string_view kind) {
  if (device == kind) return 0;
  if (!device.starts_with(kind) || device.size() < kind.size() + 2 || device[kind.size()] != ':') {
    return std::nullopt;
  }
  const char* first = device.data() + kind.size() + 1;
  const char* last = device.data() + device.size();
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(first, last, index);
  if (error != std::errc() || end != last) return std::nullopt;
  return index;
}

Result<std::unique_ptr<Backend>> open_automatic(const BackendOptions& options) {
  const auto open = [&](const DeviceInfo& device) {
    BackendOptions named = options;
    named.device = device.id;
    return open_backend(named);
  };
  auto device = open_first_automatic(list_devices(DeviceList::automatic), options.bytes_needed,
                                     options.bytes_least, open);
  if (device) return device;
  return open_cpu_backend(options);
}

}  // namespace

std::vector<DeviceInfo> automatic_order(const std::vector<DeviceInfo>& devices,
                                        std::uint64_t bytes_needed, std::uint64_t bytes_least) {
  std::vector<DeviceInfo> whole, part;
  for (const DeviceInfo& device : devices) {
    if (!device.automatic) continue;
    if (device.free_bytes >= bytes_needed) {
      whole.push_back(device);
    } else if (device.free_bytes >= bytes_least) {
      part.push_back(device);
    }
  }
  std::stable_sort(part.begin(), part.end(), [](const DeviceInfo& a, const DeviceInfo& b) {
    return a.free_bytes > b.free_bytes;
  });
  whole.insert(whole.end(), part.begin(), part.end());
  return whole;
}

std::unique_ptr<Backend> open_first_automatic(const std::vector<DeviceInfo>& devices,
                                              std::uint64_t bytes_needed, std::uint64_t bytes_least,
                                              const OpenDevice& open) {
  for (const DeviceInfo& device : devices) {
    if (!device.automatic || device.free_bytes >= bytes_needed) continue;
    log_info("gpu", "{} has {:.1f} MB free, the model needs {:.1f} MB", device.name,
             static_cast<double>(device.free_bytes) / 1e6, static_cast<double>(bytes_needed) / 1e6);
  }
  for (const DeviceInfo& device : automatic_order(devices, bytes_needed, bytes_least)) {
    auto backend = open(device);
    if (backend) return std::move(*backend);
    log_warning("gpu", "{} is passed over: {}", device.name, backend.error().message);
  }
  return nullptr;
}

std::vector<DeviceInfo> list_devices(DeviceList which) {
  DeviceInfo cpu;
  cpu.id = "cpu";
  cpu.name = cpu_name();
  const MemoryInfo memory = host_memory();
  cpu.total_bytes = memory.total_bytes;
  cpu.free_bytes = memory.free_bytes;
  std::vector<DeviceInfo> devices{std::move(cpu)};
  for (DeviceInfo& device : list_cuda_devices(load_cuda_module(cuda_module_paths()))) {
    devices.push_back(std::move(device));
  }
  for (DeviceInfo& device : vulkan_devices(which)) devices.push_back(std::move(device));
  return devices;
}

Result<std::unique_ptr<Backend>> open_backend(const BackendOptions& options) {
  const std::string& device = options.device;
  if (device == "cpu") return open_cpu_backend(options);
  if (device == "auto") return open_automatic(options);
  if (const auto index = index_of(device, "vulkan")) return open_vulkan(*index, options);
  if (const auto index = index_of(device, "cuda")) {
    return open_cuda_backend(load_cuda_module(cuda_module_paths()), *index);
  }
  return Error{ErrorCode::invalid,
               fmt::format("there is no device \"{}\": choose auto, cpu, cuda, vulkan or vulkan:1 "
                           "(`mneme-cli devices` lists them)",
                           device)};
}

}  // namespace mneme
