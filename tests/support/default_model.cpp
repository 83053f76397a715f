// SPDX-License-Identifier: Apache-2.0
#include "tests/support/default_model.h"

#include <cstdlib>

namespace mneme {

std::string default_model_path() {
  if (const char* named = std::getenv("MNEME_MODEL")) return named;
  const char* data = std::getenv("XDG_DATA_HOME");
  const char* home = std::getenv("HOME");
  const std::string folder = data != nullptr && *data != '\0'
                                 ? data
                                 : std::string(home != nullptr ? home : "") + "/.local/share";
  return folder + "/mneme/models/SmolLM2-135M-Instruct.Q4_1.gguf";
}

}  // namespace mneme
