// SPDX-License-Identifier: Apache-2.0
// Cases of the conformance table for table_decode with an index: each n-gram's rows are transferred
// in the step or cached on the device (RowLocation in gpu/op.h).
#pragma once

#include <vector>

#include "gpu/conformance/op_cases.h"

namespace mneme {

void add_cached_rows_cases(std::vector<OpCase>& cases);

}  // namespace mneme
