// SPDX-License-Identifier: Apache-2.0
// Host memory for buffers and plans: zeroed, aligned to 64 bytes, large pieces on huge pages where
// the system gives them. Asking for more than is free is an error, never an abort.
#pragma once

#include <cstddef>

#include "gpu/backend.h"

namespace mneme {

MemoryInfo host_memory();  // of the machine or of the process's control group, the smaller

// Errors: out_of_memory, naming what was asked for and what is free.
Result<Buffer> alloc_host_memory(std::size_t bytes);

}  // namespace mneme
