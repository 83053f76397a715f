// SPDX-License-Identifier: Apache-2.0
// mneme-cli: the same engine as the window, from a terminal. No Qt.
#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <sstream>
#include <string>

#include "app/cli/commands.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "inference/base/exceptions.h"
#include "inference/base/printable.h"

int main(int argc, char** argv) {
  using namespace mneme::cli;
  open_streams();
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
    std::ostringstream asked, refused;
    if (app.exit(error, asked, refused) != 0) {
      print_err("mneme-cli: {}; --help says what there is\n",
                mneme::printable(usage_sentence(error), mneme::kMessageBytesMax));
      return kUsage;
    }
    write_out(asked.str());
    return finish_streams(kDone);
  }
  const auto code = mneme::without_exceptions([&]() -> mneme::Result<int> {
    return commands.at(app.get_subcommands().front()->get_name())();
  });
  return finish_streams(code ? *code : fail(code.error()));
}
