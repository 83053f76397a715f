// SPDX-License-Identifier: Apache-2.0
// Rows of the conformance table for table_decode of n-grams that the device holds.
#pragma once

#include <vector>

#include "gpu/conformance/op_cases.h"

namespace mneme {

void add_cached_rows(std::vector<OpCase>& cases);

}  // namespace mneme
