// SPDX-License-Identifier: Apache-2.0
// Opens the CPU as a device. Errors: unsupported (an instruction set that is unknown or
// that this CPU lacks), invalid (a negative or absurd number of threads).
#pragma once

#include "gpu/registry.h"

namespace mneme {

Result<std::unique_ptr<Backend>> open_cpu_backend(const BackendOptions& options);

}  // namespace mneme
