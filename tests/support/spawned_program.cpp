// SPDX-License-Identifier: Apache-2.0
#include "tests/support/spawned_program.h"

#include <fcntl.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <system_error>

#include "base/check.h"
#include "tests/support/file_text.h"
#include "tests/support/wait_until.h"

namespace mneme {

SpawnedProgram::SpawnedProgram(const std::string& folder, std::vector<std::string> arguments,
                               const Options& options)
    : out_path_(options.out.empty() ? folder + "/stdout" : options.out),
      err_path_(options.err.empty() ? folder + "/stderr" : options.err) {
  const std::string in_path = folder + "/stdin";
  std::ofstream(in_path, std::ios::binary) << options.input;
  posix_spawn_file_actions_t files;
  posix_spawn_file_actions_init(&files);
  constexpr int kNew = O_WRONLY | O_CREAT | O_TRUNC;
  posix_spawn_file_actions_addopen(&files, STDIN_FILENO, in_path.c_str(), O_RDONLY, 0);
  const auto stream = [&](int fd, bool closed, const std::string& path) {
    if (closed) {
      posix_spawn_file_actions_addclose(&files, fd);
    } else {
      posix_spawn_file_actions_addopen(&files, fd, path.c_str(), kNew, 0600);
    }
  };
  stream(STDOUT_FILENO, options.out_closed, out_path_);
  stream(STDERR_FILENO, options.err_closed, err_path_);
  std::vector<std::string> variables = options.environment;
  for (char** variable = environ; *variable != nullptr; ++variable) {
    const std::string text = *variable;
    const std::string name = text.substr(0, text.find('=') + 1);
    bool replaced = false;
    for (const std::string& ours : options.environment) replaced |= ours.starts_with(name);
    if (!replaced) variables.push_back(text);
  }
  std::vector<char*> argv, envp;
  for (std::string& text : arguments) argv.push_back(text.data());
  for (std::string& text : variables) envp.push_back(text.data());
  argv.push_back(nullptr);
  envp.push_back(nullptr);
  CHECK(posix_spawn(&pid_, argv[0], &files, nullptr, argv.data(), envp.data()) == 0);
  posix_spawn_file_actions_destroy(&files);
}

SpawnedProgram::~SpawnedProgram() {
  if (ended()) return;
  send(SIGKILL);
  wait();
}

bool SpawnedProgram::ended() {
  if (!ended_ && ::waitpid(pid_, &status_, WNOHANG) == pid_) ended_ = true;
  return ended_;
}

bool SpawnedProgram::wait_for_output(std::size_t bytes) {
  bool there = false;
  const bool in_time = wait_until([&] {
    std::error_code error;
    const auto size = std::filesystem::file_size(out_path_, error);
    there = !error && size >= bytes;
    return there || ended();
  });
  return in_time && there;
}

ProgramEnd SpawnedProgram::wait() {
  if (!ended_) ::waitpid(pid_, &status_, 0);
  ended_ = true;
  ProgramEnd end;
  if (WIFEXITED(status_)) end.code = WEXITSTATUS(status_);
  if (WIFSIGNALED(status_)) end.signal = WTERMSIG(status_);
  // Devices and pipes are the test's own to look at.
  if (std::filesystem::is_regular_file(out_path_)) end.out = file_text(out_path_);
  if (std::filesystem::is_regular_file(err_path_)) end.err = file_text(err_path_);
  return end;
}

}  // namespace mneme
