// SPDX-License-Identifier: Apache-2.0
// This test program once more, running one of its disabled tests as a program of its own until it
// is killed by SIGKILL. It tells its parent about each token through a pipe.
#pragma once

#include <gtest/gtest.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <string>
#include <vector>

namespace mneme {

class KilledProgram {
 public:
  static constexpr const char* kFolderVariable = "MNEME_KILLED_PROGRAM_FOLDER";
  static constexpr const char* kPipeVariable = "MNEME_KILLED_PROGRAM_PIPE";

  // --- in the program that is killed
  static std::string folder() {
    const char* folder = std::getenv(kFolderVariable);
    return folder == nullptr ? "" : folder;
  }
  static void tell_token() {
    const char* pipe = std::getenv(kPipeVariable);
    if (pipe == nullptr || write(std::atoi(pipe), "t", 1) != 1) _exit(3);
  }

  // --- in the test
  KilledProgram(const std::string& test, const std::string& folder) {
    int ends[2];
    EXPECT_EQ(pipe(ends), 0);
    std::vector<std::string> variables = {
        std::string(kFolderVariable) + "=" + folder,
        std::string(kPipeVariable) + "=" + std::to_string(ends[1]),
    };
    for (char** variable = environ; *variable != nullptr; ++variable) {
      variables.emplace_back(*variable);
    }
    std::vector<std::string> arguments = {"/proc/self/exe", "--gtest_filter=" + test,
                                          "--gtest_also_run_disabled_tests", "--gtest_brief=1"};
    std::vector<char*> argv, envp;
    for (std::string& text : arguments) argv.push_back(text.data());
    for (std::string& text : variables) envp.push_back(text.data());
    argv.push_back(nullptr);
    envp.push_back(nullptr);
    EXPECT_EQ(posix_spawn(&pid_, "/proc/self/exe", nullptr, nullptr, argv.data(), envp.data()), 0);
    close(ends[1]);
    tokens_ = ends[0];
  }
  ~KilledProgram() {
    kill_now();
    close(tokens_);
  }
  KilledProgram(const KilledProgram&) = delete;
  KilledProgram& operator=(const KilledProgram&) = delete;

  // Waits until so many tokens were told, however long that takes. False: the program ended, or
  // told none for five minutes.
  [[nodiscard]] bool wait_for_tokens(std::size_t count) {
    char token = 0;
    pollfd wait{tokens_, POLLIN, 0};
    while (count > 0) {
      const int ready = poll(&wait, 1, 300'000);
      if (ready < 0 && errno == EINTR) continue;
      if (ready <= 0 || read(tokens_, &token, 1) != 1) return false;
      --count;
    }
    return true;
  }
  void kill_now() {
    if (pid_ <= 0) return;
    kill(pid_, SIGKILL);
    int status = 0;
    waitpid(pid_, &status, 0);
    EXPECT_TRUE(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL) << "it ended by itself";
    pid_ = 0;
  }

 private:
  pid_t pid_ = 0;
  int tokens_ = -1;
};

}  // namespace mneme
