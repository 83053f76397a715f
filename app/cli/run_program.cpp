// SPDX-License-Identifier: Apache-2.0
#include "app/cli/run_program.h"

#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <map>
#include <sstream>

#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "base/exceptions.h"
#include "base/printable.h"

namespace mneme::cli {

int run_program(int argc, char** argv, const std::string& name, const std::string& description,
                const std::vector<std::pair<std::string, Command (*)(CLI::App&)>>& commands) {
  open_streams(name);
  end_with_a_sentence(name.c_str());
  CLI::App app(description, name);
  app.set_version_flag("--version", name + " " + MNEME_VERSION);
  app.require_subcommand(1);
  std::map<std::string, Command> run;
  for (const auto& [command, add] : commands) run[command] = add(app);
  try {
    app.parse(argc, argv);
  } catch (const CLI::ParseError& error) {
    std::ostringstream asked, refused;
    if (app.exit(error, asked, refused) != 0) {
      print_err("{}: {}; --help says what there is\n", name,
                printable(usage_sentence(error), kMessageBytesMax));
      return kUsage;
    }
    write_out(asked.str());
    return finish_streams(kDone);
  }
  const auto code = without_exceptions(
      [&]() -> Result<int> { return run.at(app.get_subcommands().front()->get_name())(); });
  return finish_streams(code ? *code : fail(code.error()));
}

}  // namespace mneme::cli
