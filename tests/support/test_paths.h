// SPDX-License-Identifier: Apache-2.0
// Where tests find the files of the source tree.
#pragma once

#include <string>

namespace mneme {

std::string source_path(const std::string& name);  // "README.md" -> its path in the source tree
std::string test_data(const std::string& name);    // the same below tests/data

}  // namespace mneme
