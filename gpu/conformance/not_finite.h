// SPDX-License-Identifier: Apache-2.0
// A NaN or an infinity in a weight, a scale, a state or an activation reaches everything that is computed
// from it: only so can a step see in its logits that something was broken, and end the answer.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "gpu/conformance/op_cases.h"

namespace mneme {

struct NotFinite {
  std::vector<std::string> failures;  // values that are finite where the formula's is not
  std::size_t reached = 0;            // how many values were not finite, as they should be
};

// Runs each small row of the conformance table once for each of its given tensors, with one value of the
// tensor (of quantised weights: one scale) replaced by `value`. Rows of tables and indices are left alone:
// their codes have no infinities, and their NaN is a row of the table.
NotFinite check_not_finite(Backend& backend, NumericMode mode, float value);

}  // namespace mneme
