// SPDX-License-Identifier: Apache-2.0
#include "inference/run/machine.h"

#include "gpu/cpu/bandwidth.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/device_bandwidth.h"
#include "gpu/registry.h"

namespace mneme {

std::vector<DeviceInfo> devices() {
  return list_devices();
}

Result<double> read_bandwidth_gb_s(int threads) {
  return measure_read_bandwidth_gb_s(threads);
}

Result<double> device_bandwidth_gb_s(const std::string& device) {
  BackendOptions options;
  options.device = device;
  auto backend = open_backend(options);
  if (!backend) return backend.error();
  return measure_device_bandwidth_gb_s(**backend);
}

int default_threads() {
  return available_physical_cores();
}

}  // namespace mneme
