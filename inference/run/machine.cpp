// SPDX-License-Identifier: Apache-2.0
#include "inference/run/machine.h"

#include "gpu/cpu/bandwidth.h"
#include "gpu/cpu/cpu_info.h"

namespace mneme {

double read_bandwidth_gb_s(int threads) {
  return measure_read_bandwidth_gb_s(threads);
}

int default_threads() {
  return available_physical_cores();
}

}  // namespace mneme
