// SPDX-License-Identifier: Apache-2.0
#pragma once

#include <cstdio>
#include <string>

namespace mneme {

// Deletes the file at the end of the scope, however it ends.
struct RemovedFile {
  std::string path;
  ~RemovedFile() { std::remove(path.c_str()); }
};

}  // namespace mneme
