// SPDX-License-Identifier: Apache-2.0
#include "app/cli/print_answer.h"

#include <unistd.h>

#include "app/cli/streams.h"
#include "base/printable.h"

namespace mneme::cli {

void print_answer(std::string_view text) {
  static const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  if (terminal) {
    write_out(escape_controls(text, LineBreaks::keep));
  } else {
    write_out(text);
  }
  flush_out();
}

}  // namespace mneme::cli
