// SPDX-License-Identifier: Apache-2.0
// A module of another version: the loader must not call its table.
#include <cstdlib>

extern "C" {
const char* mneme_cuda_version() {
  return "0.0.1/1";
}
const void* mneme_cuda_api() {
  std::abort();
}
}
