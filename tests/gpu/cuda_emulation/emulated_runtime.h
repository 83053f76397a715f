// SPDX-License-Identifier: Apache-2.0
// The module's table of functions over the emulation: devices that exist only here, streams that
// run as late as they may, and failures on request.
#pragma once

#include <cstdint>

#include "gpu/cuda/cuda_abi.h"

namespace mneme {

struct EmulatedCuda {
  int devices = 1;
  int count_error = 0;            // device_count() says this
  int broken_device = -1;         // it cannot be opened
  int old_device = -1;            // its compute capability is 7.5
  std::int64_t calls_left = -1;   // then every call that can fail does, with `error`; -1 = never
  bool once = false;              // only the first of them
  std::int64_t room_bytes = -1;   // more device memory cannot be had; -1 = no limit
  bool copies_at_once = false;    // on their own stream, as soon as they may; else as late
  int error = 2;                  // cudaErrorMemoryAllocation
  const char* library = nullptr;  // file of a library of matrix products; null = there is none
  // Told by the emulation:
  std::int64_t calls = 0;        // that could have failed
  std::int64_t allocations = 0;  // alive: memory, contexts, graphs, events
  std::int64_t bytes = 0;        // of device memory, alive
  std::int64_t launches = 0;     // of kernels, that ran
  std::int64_t products = 0;     // of the library, that ran
};

// Sets the devices back to `state` and gives the table. Nothing of earlier ones may be alive.
const CudaApi& emulated_cuda(const EmulatedCuda& state = {});
EmulatedCuda& emulated_cuda_state();

}  // namespace mneme
