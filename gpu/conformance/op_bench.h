// SPDX-License-Identifier: Apache-2.0
// The conformance table as a benchmark: every row is checked and timed on one device.
#pragma once

#include <functional>
#include <string>

#include "gpu/conformance/run_case.h"
#include "gpu/registry.h"
#include "inference/base/result.h"

namespace mneme {

struct OpBenchOptions {
  BackendOptions device;
  NumericMode mode = NumericMode::fast;
  std::string filter;  // only rows whose name contains it
  int times = 9;       // runs of each row; its time is their median
};

// Called after each row; returning false ends the run.
using OpBenchRow = std::function<bool(const OpCase& row, const OpOutcome& outcome)>;

// The device in words. Errors: as open_backend(), and invalid when no row has the filter's text.
Result<std::string> bench_ops(const OpBenchOptions& options, const OpBenchRow& row);

// How fast the device's own memory is: bytes a second, in 1e9, that a sum of two long rows reads
// and writes. Errors: as open_backend().
Result<double> device_bandwidth_gb_s(const BackendOptions& device);

}  // namespace mneme
