// SPDX-License-Identifier: Apache-2.0
// An NVIDIA device as a backend, and the list of all that there are.
#pragma once

#include <memory>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cuda/cuda_abi.h"
#include "gpu/device_info.h"

namespace mneme {

// Errors: unsupported (no module, no driver, no such device, the device's own reason),
// out_of_memory, device.
Result<std::unique_ptr<Backend>> open_cuda_backend(const Result<const CudaApi*>& module,
                                                   std::size_t index);

// All devices, usable or not; one entry with the reason where there are none at all. None is
// automatic: no device has run these kernels yet (gpu/cuda/README.md), so a user has to name one.
std::vector<DeviceInfo> list_cuda_devices(const Result<const CudaApi*>& module);

}  // namespace mneme
