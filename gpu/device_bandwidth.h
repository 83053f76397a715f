// SPDX-License-Identifier: Apache-2.0
// How fast a device's own memory is, to judge decoding by. The CPU's: gpu/cpu/bandwidth.h.
#pragma once

#include "base/result.h"
#include "gpu/backend.h"

namespace mneme {

// Bytes a second, in 1e9, that a sum of two long rows reads and writes: the median of several runs.
// Errors: as alloc() and finish() of the backend.
Result<double> measure_device_bandwidth_gb_s(Backend& backend);

}  // namespace mneme
