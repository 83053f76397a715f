// SPDX-License-Identifier: Apache-2.0
// One row of the conformance table, by its name.
#pragma once

#include <string_view>
#include <vector>

#include "base/check.h"
#include "gpu/conformance/op_cases.h"

namespace mneme {

inline const OpCase& case_named(std::string_view name) {
  static const std::vector<OpCase> cases = conformance_cases();
  for (const OpCase& c : cases) {
    if (c.name == name) return c;
  }
  CHECK(false && "no such row");
  return cases.front();
}

}  // namespace mneme
