// SPDX-License-Identifier: Apache-2.0
// mneme-bench: what developers measure. What users measure is `mneme-cli bench`. Not installed.
#include "app/cli/run_program.h"
#include "tests/bench/commands.h"

int main(int argc, char** argv) {
  using namespace mneme::bench;
  return mneme::cli::run_program(
      argc, argv, "mneme-bench",
      "Measure ops, steps, tokenizers, and the ways of keeping and reading table rows, for "
      "developers.",
      {{"ops", add_ops},
       {"steps", add_steps},
       {"replay", add_replay},
       {"device-rows", add_device_rows},
       {"evicted", add_evicted},
       {"memory", add_memory},
       {"tokenizer", add_tokenizer}});
}
