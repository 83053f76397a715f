// SPDX-License-Identifier: Apache-2.0
// What every program of subcommands does: reads its command line, runs one command, ends with its
// exit code.
#pragma once

#include <CLI/App.hpp>
#include <string>
#include <utility>
#include <vector>

#include "app/cli/commands.h"

namespace mneme::cli {

// `name` stands before the program's messages. A command line that is refused ends with kUsage.
int run_program(int argc, char** argv, const std::string& name, const std::string& description,
                const std::vector<std::pair<std::string, Command (*)(CLI::App&)>>& commands);

}  // namespace mneme::cli
