// SPDX-License-Identifier: Apache-2.0
// Holds a backend to one row of the conformance table.
#pragma once

#include <string>

#include "gpu/conformance/op_cases.h"

namespace mneme {

struct OpOutcome {
  std::string failure;      // empty: everything written is within its tolerance
  double worst = 0;         // largest |difference| / tolerance among all values
  double microseconds = 0;  // of the op alone; 0 when it was not timed
  double bytes = 0;         // that the op must read and write, each once
  double flops = 0;         // that its definition asks for
};

// fast mode: products may round activations to 8 bits per 32 values (NumericMode::fast).
// `times`: how often to run it again for its time; 0 = not at all.
OpOutcome run_case(Backend& backend, const OpCase& c, NumericMode mode, int times = 0);

}  // namespace mneme
