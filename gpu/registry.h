// SPDX-License-Identifier: Apache-2.0
// The only place that names backends.
#pragma once

#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "gpu/backend.h"
#include "gpu/device_info.h"

namespace mneme {

struct BackendOptions {
  int threads = 0;              // CPU: 0 = one per physical core available to the process
  std::string instruction_set;  // CPU: "", "scalar", "avx2", "avx512"; "" = the best that runs here
  // "cpu", "vulkan" or "vulkan:1" (the second of its devices), "cuda"; "auto": the first real GPU
  // that can be used and has `bytes_needed` free, else the one that has most free and at least
  // `bytes_least`, else the CPU.
  std::string device = "cpu";
  std::uint64_t bytes_needed = 0;
  std::uint64_t bytes_least = 0;
  std::string cache_folder;  // for what a driver compiled; "" = nowhere
};

// Devices of this machine. The CPU first.
std::vector<DeviceInfo> list_devices(DeviceList which = DeviceList::all);

// Those of `devices` that `auto` may take, in the order in which it tries them: what has
// `bytes_needed` free as listed, then what has `bytes_least`, most first.
std::vector<DeviceInfo> automatic_order(const std::vector<DeviceInfo>& devices,
                                        std::uint64_t bytes_needed, std::uint64_t bytes_least);

// The first of `devices` that `auto` may take, that has `bytes_needed` free and that `open` opens;
// else, of those with `bytes_least`, the one with most. What is passed over is logged with the
// reason. Null: none.
using OpenDevice = std::function<Result<std::unique_ptr<Backend>>(const DeviceInfo& device)>;
std::unique_ptr<Backend> open_first_automatic(const std::vector<DeviceInfo>& devices,
                                              std::uint64_t bytes_needed, std::uint64_t bytes_least,
                                              const OpenDevice& open);

// Errors: invalid (no such name), unsupported (with the device's reason), as the backend's own.
Result<std::unique_ptr<Backend>> open_backend(const BackendOptions& options);

}  // namespace mneme
