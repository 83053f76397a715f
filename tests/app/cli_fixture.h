// SPDX-License-Identifier: Apache-2.0
// mneme-cli run as a user runs it, on a tiny model, with places of its own for what it keeps.
#pragma once

#include <gtest/gtest.h>

#include <memory>
#include <nlohmann/json.hpp>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/spawned_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {

using Json = nlohmann::ordered_json;
using Arguments = std::vector<std::string>;

class Cli : public ::testing::Test {
 protected:
  void SetUp() override { model_ = write_tiny_model(folder_.path()); }

  std::unique_ptr<SpawnedProgram> start(Arguments arguments, SpawnedProgram::Options options) {
    arguments.insert(arguments.begin(), MNEME_CLI);
    options.environment.push_back("XDG_STATE_HOME=" + folder_.path());
    return std::make_unique<SpawnedProgram>(folder_.path(), std::move(arguments), options);
  }
  ProgramEnd run_with(SpawnedProgram::Options options, Arguments arguments) {
    return start(std::move(arguments), std::move(options))->wait();
  }
  ProgramEnd run(Arguments arguments, const std::string& input = "",
                 std::vector<std::string> environment = {}) {
    return run_with({.input = input, .environment = std::move(environment)}, std::move(arguments));
  }
  // Runs a command with -m, -t 1 and more; it must succeed.
  std::string out(const std::string& command, Arguments more, const std::string& input = "") {
    Arguments all = {command, "-m", model_, "-t", "1"};
    all.insert(all.end(), more.begin(), more.end());
    const ProgramEnd end = run(std::move(all), input);
    EXPECT_EQ(end.code, 0) << end.err;
    EXPECT_EQ(end.err, "");
    return end.out;
  }
  Json json(const std::string& command, Arguments more, const std::string& input = "") {
    more.push_back("--json");
    return Json::parse(out(command, std::move(more), input));
  }

  TemporaryFolder folder_;
  std::string model_;
};

}  // namespace mneme
