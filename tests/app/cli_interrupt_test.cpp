// SPDX-License-Identifier: Apache-2.0
// Ctrl+C ends a command cleanly: what was said stays, the exit code is 130.
#include <gtest/gtest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "tests/support/spawned_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

class CliInterrupt : public ::testing::Test {
 protected:
  void SetUp() override {
    TinyModelOptions options;
    options.context = 200'000;  // an answer that would go on for minutes
    model_ = write_tiny_model(folder_.path(), options);
  }
  std::unique_ptr<SpawnedProgram> start(std::vector<std::string> arguments,
                                        const std::string& input = "") {
    arguments.insert(arguments.end(), {"-m", model_, "-t", "1", "--ctx", "200000"});
    return start_without_model(std::move(arguments), input);
  }
  std::unique_ptr<SpawnedProgram> start_without_model(std::vector<std::string> arguments,
                                                      const std::string& input = "") {
    arguments.insert(arguments.begin(), MNEME_CLI);
    return std::make_unique<SpawnedProgram>(folder_.path(), std::move(arguments),
                                            SpawnedProgram::Options{input, {}});
  }
  TemporaryFolder folder_;
  std::string model_;
};

TEST_F(CliInterrupt, EndsAnAnswerWith130AndNoComplaint) {
  const auto program = start({"complete", "-p", "the sea", "--temp", "0", "--repeat-penalty", "1"});
  ASSERT_TRUE(program->wait_for_output(20)) << program->wait().err;
  program->send(SIGINT);
  const ProgramEnd end = program->wait();
  EXPECT_EQ(end.code, 130);
  EXPECT_EQ(end.signal, 0);
  // On a busy machine it may say that it is still at it.
  EXPECT_TRUE(end.err.empty() || end.err.find("Ctrl+C again") != std::string::npos) << end.err;
  EXPECT_TRUE(end.out.ends_with('\n'));
}

TEST_F(CliInterrupt, SigtermEndsAnAnswerJustSo) {
  const auto program = start({"complete", "-p", "the sea", "--temp", "0", "--repeat-penalty", "1"});
  ASSERT_TRUE(program->wait_for_output(20)) << program->wait().err;
  program->send(SIGTERM);
  const ProgramEnd end = program->wait();
  EXPECT_EQ(end.code, 130);
  EXPECT_EQ(end.signal, 0);
  EXPECT_TRUE(end.err.empty() || end.err.find("Ctrl+C again") != std::string::npos) << end.err;
  EXPECT_TRUE(end.out.ends_with('\n'));
}

TEST_F(CliInterrupt, EndsAMeasurementWith130) {
  const auto program = start({"bench", "--prefill", "32", "-n", "16", "--rounds", "1000"});
  ASSERT_TRUE(program->wait_for_output(20)) << program->wait().err;
  program->send(SIGINT);
  EXPECT_EQ(program->wait().code, 130);
}

TEST_F(CliInterrupt, EndsAMeasurementOfTablesWith130) {
  // What is in RAM is told first; the drive would be read for minutes.
  const auto program =
      start_without_model({"bench", "tables", "--part", "hits", "--hit-budget", "16M", "--part",
                           "cold", "--size", "2G", "--rounds", "1000", "--folder", folder_.path()});
  ASSERT_TRUE(program->wait_for_output(20)) << program->wait().err;
  program->send(SIGINT);
  const ProgramEnd end = program->wait();
  EXPECT_EQ(end.code, 130);
  EXPECT_EQ(end.signal, 0);
}

TEST_F(CliInterrupt, EndsAChatThatIsNotATerminalWith130) {
  const auto program =
      start({"chat", "--temp", "0", "--repeat-penalty", "1"}, "the sea\nand the land\n");
  ASSERT_TRUE(program->wait_for_output(20)) << program->wait().err;
  program->send(SIGINT);
  EXPECT_EQ(program->wait().code, 130);
}

}  // namespace
}  // namespace mneme
