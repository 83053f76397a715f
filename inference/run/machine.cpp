// SPDX-License-Identifier: Apache-2.0
#include "inference/run/machine.h"

#include "gpu/cpu/bandwidth.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/registry.h"

namespace mneme {

std::vector<DeviceInfo> devices() {
  return list_devices();
}

double read_bandwidth_gb_s(int threads) {
  return measure_read_bandwidth_gb_s(threads);
}

int default_threads() {
  return available_physical_cores();
}

}  // namespace mneme
