// SPDX-License-Identifier: Apache-2.0
// Host memory for buffers and plans: zeroed, aligned to 64 bytes, large pieces on huge pages where
// the system gives them. Asking for more than is free is an error, never an abort.
#pragma once

#include <cstddef>
#include <memory>

#include "gpu/backend.h"

namespace mneme {

// What the machine, the process's control groups and its limit of address space leave, less what
// was given out here and not yet used: memory is only taken when something is written there.
MemoryInfo host_memory();

// Errors: out_of_memory, naming what was asked for and what is free.
Result<Buffer> alloc_host_memory(std::size_t bytes);

// Gives out pieces of larger allocations, so that buffers much smaller than a large page (the keys
// of a layer) lie on one too: page walks would cost more than the reading. A large allocation is
// freed with its last buffer. One thread at a time.
class HostArena {
 public:
  Result<Buffer> alloc(std::size_t bytes);  // zeroed; errors as alloc_host_memory

 private:
  std::shared_ptr<Buffer> chunk_;
  std::size_t used_ = 0;
};

}  // namespace mneme
