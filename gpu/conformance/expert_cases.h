// SPDX-License-Identifier: Apache-2.0
// Cases of the conformance table for mixtures of experts: the router, products with the weights of
// chosen experts, the sum of what they made.
#pragma once

#include <vector>

#include "gpu/conformance/op_cases.h"

namespace mneme {

void add_expert_cases(std::vector<OpCase>& cases);

}  // namespace mneme
