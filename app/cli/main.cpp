// SPDX-License-Identifier: Apache-2.0
// mneme-cli: the same engine as the window, from a terminal. No Qt.
#include "app/cli/commands.h"
#include "app/cli/run_program.h"

int main(int argc, char** argv) {
  using namespace mneme::cli;
  return run_program(argc, argv, "mneme-cli",
                     "Run language models with Engram memory, and look at what the memory does.",
                     {{"chat", add_chat},
                      {"complete", add_complete},
                      {"inspect", add_inspect},
                      {"perplexity", add_perplexity},
                      {"compare", add_compare},
                      {"bench", add_bench},
                      {"check", add_check},
                      {"pack", add_pack},
                      {"synth", add_synth},
                      {"tables", add_tables},
                      {"devices", add_devices},
                      {"machine", add_machine},
                      {"models", add_models}});
}
