// SPDX-License-Identifier: Apache-2.0
#include "tests/support/test_paths.h"

#include "source_folder.h"  // made by CMake: the only source of tests that names an absolute path

namespace mneme {

std::string source_path(const std::string& name) { return std::string(kSourceFolder) + "/" + name; }

std::string test_data(const std::string& name) { return source_path("tests/data/" + name); }

}  // namespace mneme
