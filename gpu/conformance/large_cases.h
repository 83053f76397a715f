// SPDX-License-Identifier: Apache-2.0
// Rows of the conformance table in shapes of real models, which are worth timing.
#pragma once

#include <vector>

#include "gpu/conformance/op_cases.h"

namespace mneme {

void add_large_cases(std::vector<OpCase>& cases);

}  // namespace mneme
