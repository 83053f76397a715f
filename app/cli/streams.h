// SPDX-License-Identifier: Apache-2.0
// What commands print. Output that cannot be written stops the command, and at its end is told as
// an error: a command never succeeds whose output is lost.
#pragma once

#include <fmt/format.h>

#include <string>
#include <string_view>

#include "base/result.h"

namespace mneme::cli {

// Exit codes.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

// Before anything else in main, also before files are opened. `program` stands before its messages.
void open_streams(std::string program);
const std::string& program_name();

// To standard output. A pipe or file gets it when it was flushed, or at the end. One thread.
void write_out(std::string_view text);
void flush_out();

// To standard error, whole and at once. Where it fails nobody can be told. Any thread.
void write_err(std::string_view text);

template <typename... Args>
void print_out(fmt::format_string<Args...> format, Args&&... args) {
  write_out(fmt::format(format, std::forward<Args>(args)...));
}
template <typename... Args>
void print_err(fmt::format_string<Args...> format, Args&&... args) {
  write_err(fmt::format(format, std::forward<Args>(args)...));
}

// Shown on a terminal's stderr while something takes its time; "" takes it away.
void show_progress(std::string_view text);

// Prints "<program>: <message>" to stderr and into the log. Returns the exit code.
int fail(const Error& error);

// The exit code of a command that ended with `code`, once its output is written. Where a pipe's
// reader is gone it ends the program by SIGPIPE, as other programs end.
int finish_streams(int code);

}  // namespace mneme::cli
