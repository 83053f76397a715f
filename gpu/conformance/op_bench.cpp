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

}  // namespace mneme
