// SPDX-License-Identifier: Apache-2.0
// Runs a program with its streams in files of a folder, and waits for its end.
#pragma once

#include <signal.h>
#include <sys/types.h>

#include <string>
#include <vector>

namespace mneme {

struct ProgramEnd {
  int code = -1;   // exit code; -1 if a signal ended it
  int signal = 0;  // that signal
  std::string out, err;
};

class SpawnedProgram {
 public:
  struct Options {
    std::string input;                     // standard input
    std::vector<std::string> environment;  // NAME=value, on top of the test's own
    std::string out, err;                  // files to write to; "" = ones of `folder`
    bool out_closed = false;
    bool err_closed = false;
  };
  SpawnedProgram(const std::string& folder, std::vector<std::string> arguments,
                 const Options& options);
  ~SpawnedProgram();  // kills what still runs
  SpawnedProgram(const SpawnedProgram&) = delete;
  SpawnedProgram& operator=(const SpawnedProgram&) = delete;

  // True once standard output holds that many bytes; false if it ended before.
  bool wait_for_output(std::size_t bytes);
  void send(int signal) const { ::kill(pid_, signal); }
  ProgramEnd wait();

 private:
  bool ended();

  std::string out_path_, err_path_;
  pid_t pid_ = -1;
  bool ended_ = false;
  int status_ = 0;
};

}  // namespace mneme
