// SPDX-License-Identifier: Apache-2.0
#include "app/cli/print_answer.h"

#include <unistd.h>

#include <cstdio>
#include <string>

#include "inference/base/printable.h"

namespace mneme::cli {

void print_answer(std::string_view text) {
  static const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  const std::string shown = terminal ? escape_controls(text, LineBreaks::keep) : std::string(text);
  std::fwrite(shown.data(), 1, shown.size(), stdout);
  std::fflush(stdout);
}

}  // namespace mneme::cli
