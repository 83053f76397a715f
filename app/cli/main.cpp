// SPDX-License-Identifier: Apache-2.0
// mneme-cli: the same engine as the window, from a terminal. No Qt.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <cstdio>
#include <exception>
#include <map>

#include "app/cli/commands.h"
#include "app/cli/options.h"
#include "inference/base/exceptions.h"

int main(int argc, char** argv) {
  using namespace mneme::cli;
  mneme::end_with_a_sentence("mneme-cli");
  CLI::App app("Run language models with Engram memory, and look at what the memory does.",
               "mneme-cli");
  app.set_version_flag("--version", std::string("mneme-cli ") + MNEME_VERSION);
  app.require_subcommand(1);
  const std::map<std::string, Command> commands = {
      {"chat", add_chat(app)},   {"complete", add_complete(app)}, {"inspect", add_inspect(app)},
      {"bench", add_bench(app)}, {"check", add_check(app)},       {"pack", add_pack(app)},
      {"synth", add_synth(app)}, {"tables", add_tables(app)},     {"devices", add_devices(app)},
  };
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    return app.exit(error) == 0 ? kDone : kUsage;
  }
  const auto code = mneme::without_exceptions([&]() -> mneme::Result<int> {
    return commands.at(app.get_subcommands().front()->get_name())();
  });
  return code ? *code : fail(code.error());
}
