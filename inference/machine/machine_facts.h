// SPDX-License-Identifier: Apache-2.0
// What this machine is, for a person: the processor, the RAM, the GPUs and why one of them cannot
// be used. Its speeds are measured by inference/run/machine.h (memory) and drive_speed.h. Any
// thread.
#pragma once

#include <string>
#include <vector>

#include "base/system_memory.h"
#include "gpu/device_info.h"

namespace mneme {

struct MachineFacts {
  std::string processor;     // as it names itself; a machine may claim any text here
  int cores = 0;             // that this process may use: the default number of compute threads
  std::string instructions;  // those that the kernels use: "AVX-512 with VNNI", "AVX2", "no AVX2"
  SystemMemory ram;          // of the machine or of the control group, whichever is less
};

// Reads some small files: some milliseconds, and no driver is asked.
MachineFacts machine_facts();

// Those of devices() (inference/run/machine.h) that are GPUs, also those that cannot be used.
std::vector<DeviceInfo> gpus_of(std::vector<DeviceInfo> devices);

// Whether a GPU cannot be used because its module, a part of this program, is not installed.
bool lacks_its_module(const DeviceInfo& gpu);

}  // namespace mneme
