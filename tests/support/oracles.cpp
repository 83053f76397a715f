// SPDX-License-Identifier: Apache-2.0
#include "tests/support/oracles.h"

#include <cstdlib>

#include "tests/support/test_paths.h"

namespace mneme {

std::filesystem::path oracles_folder() {
  const char* named = std::getenv("MNEME_ORACLES");
  return named == nullptr ? std::filesystem::path(test_data("oracles"))
                          : std::filesystem::path(named);
}

}  // namespace mneme
