// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/op_bench.h"

#include <fmt/format.h>

#include <memory>
#include <utility>
#include <vector>

namespace mneme {

Result<std::string> bench_ops(const OpBenchOptions& options, const OpBenchRow& row) {
  auto backend = open_backend(options.device);
  if (!backend) return backend.error();
  std::vector<OpCase> cases = conformance_cases();
  std::erase_if(cases,
                [&](const OpCase& c) { return c.name.find(options.filter) == std::string::npos; });
  if (cases.empty()) {
    return Error{ErrorCode::invalid,
                 fmt::format("no row of the table has \"{}\" in its name", options.filter)};
  }
  for (const OpCase& c : cases) {
    if (!row(c, run_case(**backend, c, options.mode, options.times))) break;
  }
  return (*backend)->description();
}

Result<double> device_bandwidth_gb_s(const BackendOptions& device) {
  OpBenchOptions options;
  options.device = device;
  options.filter = kBandwidthCase;
  OpOutcome sum;
  const auto opened = bench_ops(options, [&](const OpCase&, const OpOutcome& outcome) {
    sum = outcome;
    return true;
  });
  if (!opened) return opened.error();
  if (!sum.failure.empty()) return Error{ErrorCode::device, sum.failure};
  return sum.microseconds > 0 ? sum.bytes / sum.microseconds / 1e3 : 0.0;
}

}  // namespace mneme
