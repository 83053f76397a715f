// SPDX-License-Identifier: Apache-2.0
// mneme-cli where the system gives it less than it wants, and other things than files: one sentence
// and exit code 1, never a signal and never a wait.
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <algorithm>
#include <memory>
#include <string>
#include <vector>

#include "tests/support/sanitized.h"
#include "tests/support/spawned_program.h"
#include "tests/support/temporary_folder.h"
#include "tests/support/tiny_model.h"

namespace mneme {
namespace {

using Arguments = std::vector<std::string>;

class CliLimits : public ::testing::Test {
 protected:
  void SetUp() override { model_ = write_tiny_model(folder_.path()); }

  ProgramEnd run(Arguments arguments, std::vector<std::string> environment = {}) {
    return SpawnedProgram(folder_.path(), std::move(arguments),
                          SpawnedProgram::Options{"", std::move(environment)})
        .wait();
  }
  static bool is_one_sentence(const std::string& text) {
    return text.starts_with("mneme-cli: ") && std::ranges::count(text, '\n') == 1 &&
           text.ends_with('\n');
  }

  TemporaryFolder folder_;
  std::string model_;
};

TEST_F(CliLimits, EveryLimitOfAddressSpaceEndsInAnAnswerOrASentence) {
  if (kSanitized) GTEST_SKIP() << "sanitizers map more than any such limit";
  const std::vector<Arguments> commands = {
      {"complete", "-m", model_, "-t", "4", "-p", "the sea", "-n", "4"},
      {"complete", "-m", model_, "-t", "1", "-p", "the", "-n", "2", "--ram-budget", "300M",
       "--record-log", "16M"},
      {"check", folder_.file("tiny.engram.gguf"), "--full", "--compare", "100"},
  };
  int answers = 0, sentences = 0;
  for (const Arguments& command : commands) {
    for (int mib = 160; mib <= 1400; mib += mib < 700 ? 30 : 100) {
      Arguments all = {"/bin/sh", "-c", "ulimit -v " + std::to_string(mib * 1024) + "; exec \"$@\"",
                       "sh", MNEME_CLI};
      all.insert(all.end(), command.begin(), command.end());
      const ProgramEnd end = run(all, {"XDG_DATA_HOME=" + folder_.path()});
      EXPECT_EQ(end.signal, 0) << mib << " MiB: " << end.err;
      if (end.code == 0) {
        ++answers;
        continue;
      }
      ++sentences;
      EXPECT_EQ(end.code, 1) << mib << " MiB: " << end.err;
      EXPECT_TRUE(is_one_sentence(end.err)) << mib << " MiB: " << end.err;
    }
  }
  EXPECT_GT(answers, 10);
  EXPECT_GT(sentences, 3);
}

TEST_F(CliLimits, APipeInTheirPlaceIsNoFile) {
  const std::string pipe = folder_.file("pipe");
  ASSERT_EQ(::mkfifo(pipe.c_str(), 0600), 0);
  const std::vector<Arguments> commands = {
      {"check", pipe},
      {"check", pipe, "--full"},
      {"check", folder_.file("tiny.engram.gguf"), "-m", pipe},
      {"complete", "-m", pipe, "-p", "the"},
      {"complete", "-m", model_, "--memory", pipe, "-p", "the"},
      {"inspect", "-m", pipe, "-p", "the"},
      {"bench", "-m", pipe},
      {"tables", pipe},
      {"pack", pipe, "-o", folder_.file("out.gguf")},
  };
  for (const Arguments& command : commands) {
    Arguments all = {MNEME_CLI};
    all.insert(all.end(), command.begin(), command.end());
    const ProgramEnd end = run(all);
    EXPECT_EQ(end.code, 1) << command[0] << ": " << end.err;
    EXPECT_NE(end.err.find(pipe + " is not a regular file"), std::string::npos) << end.err;
  }
}

}  // namespace
}  // namespace mneme
