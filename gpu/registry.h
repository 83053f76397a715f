// SPDX-License-Identifier: Apache-2.0
// The only place that names backends.
#pragma once

#include <memory>
#include <string>

#include "gpu/backend.h"

namespace mneme {

struct BackendOptions {
  int threads = 0;              // CPU: 0 = one per physical core available to the process
  std::string instruction_set;  // CPU: "", "scalar", "avx2", "avx512"; "" = the best that runs here
};

Result<std::unique_ptr<Backend>> open_backend(const BackendOptions& options);

}  // namespace mneme
