// SPDX-License-Identifier: Apache-2.0
#include "gpu/registry.h"

#include "gpu/cpu/cpu_backend.h"

namespace mneme {

Result<std::unique_ptr<Backend>> open_backend(const BackendOptions& options) {
  return open_cpu_backend(options);
}

}  // namespace mneme
