// SPDX-License-Identifier: Apache-2.0
// Rows of the conformance table whose step has tokens of several sequences.
#pragma once

#include <vector>

#include "gpu/conformance/op_cases.h"

namespace mneme {

void add_sequence_cases(std::vector<OpCase>& cases);

}  // namespace mneme
