// SPDX-License-Identifier: Apache-2.0
// Each op as its line in op.h says it, in double precision and the plainest way. `expected` comes
// with how far a correct kernel may be from it, derived from the types and sizes involved.
#pragma once

#include <vector>

#include "gpu/conformance/op_harness.h"
#include "gpu/op.h"

namespace mneme {

struct Expected {
  TensorId tensor = kNoTensor;
  std::int64_t first_row = 0;      // rows before it are not compared (old rows of a state)
  std::vector<double> values;      // [rows, cols] of the tensor from first_row on
  std::vector<double> tolerances;  // same shape
};

// What `ops` write. States must be read before they run: call it on a harness that has not run.
// `integer_activations`: the kernel may round activations to 8 bits per 32 values.
std::vector<Expected> expected_of(const OpHarness& harness, const std::vector<Op>& ops,
                                  bool integer_activations);

}  // namespace mneme
