// SPDX-License-Identifier: Apache-2.0
// What this machine can do, for benchmarks and the window's model card. Any thread.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "gpu/device_info.h"

namespace mneme {

// Every device that a model could run on, also those that cannot be used, with the reason. Asks the
// drivers: a second where one is slow.
std::vector<DeviceInfo> devices();

// Bytes a second that `threads` threads read from memory together, in 1e9 bytes; takes about a
// second. Errors: out_of_memory.
Result<double> read_bandwidth_gb_s(int threads);

// The same of a device's own memory; `device` as devices() names it. Errors: those of opening it.
Result<double> device_bandwidth_gb_s(const std::string& device);

// Cores this process may use: the default number of compute threads.
int default_threads();

}  // namespace mneme
