// SPDX-License-Identifier: Apache-2.0
#include "app/cli/streams.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstring>
#include <utility>

#include "app/cli/interrupt.h"
#include "app/paths.h"
#include "base/log_file.h"
#include "base/printable.h"
#include "base/private_file.h"

namespace mneme::cli {
namespace {

constexpr std::size_t kBufferBytes = 1 << 16;

std::string g_program;           // its name
std::string g_waiting;           // for standard output
bool g_told = false;             // an error was printed
int g_lost = 0;                  // why standard output cannot be written; 0 = it can
bool g_pipe_signal_ours = true;  // false: whoever started the program chose to ignore SIGPIPE

// 0, or why not all of it was written.
int write_all(int fd, std::string_view text) {
  while (!text.empty()) {
    const ssize_t n = ::write(fd, text.data(), text.size());
    if (n >= 0) {
      text.remove_prefix(static_cast<std::size_t>(n));
    } else if (errno == EAGAIN) {
      pollfd ready{fd, POLLOUT, 0};
      ::poll(&ready, 1, -1);
    } else if (errno != EINTR || (fd == STDOUT_FILENO && was_interrupted())) {
      return errno;  // Ctrl+C does not wait for a reader that does not read
    }
  }
  return 0;
}

void lose(int reason) {
  g_waiting.clear();
  if (reason == EINTR) return;
  g_lost = reason;
  stop_command();
}

// A stream that is closed must not become the first file that is opened. What is opened here
// refuses what the stream is for, as the closed one would.
void occupy(int fd, int flags) {
  if (::fcntl(fd, F_GETFD) >= 0) return;
  const int opened = ::open("/dev/null", flags);
  if (opened < 0 || opened == fd) return;
  ::dup2(opened, fd);
  ::close(opened);
}

}  // namespace

void open_streams(std::string program) {
  g_program = std::move(program);
  occupy(STDIN_FILENO, O_WRONLY);
  occupy(STDOUT_FILENO, O_RDONLY);
  occupy(STDERR_FILENO, O_RDONLY);
  struct sigaction ignore {};
  struct sigaction before {};
  ignore.sa_handler = SIG_IGN;
  ::sigaction(SIGPIPE, &ignore, &before);
  g_pipe_signal_ours = before.sa_handler != SIG_IGN;
}

const std::string& program_name() {
  return g_program;
}

void write_out(std::string_view text) {
  static const bool terminal = ::isatty(STDOUT_FILENO) != 0;
  if (g_lost != 0) return;
  g_waiting += text;
  if (terminal || g_waiting.size() >= kBufferBytes) flush_out();
}

void flush_out() {
  if (g_lost != 0) return;
  if (const int reason = write_all(STDOUT_FILENO, g_waiting); reason != 0) lose(reason);
  g_waiting.clear();
}

void write_err(std::string_view text) {
  write_all(STDERR_FILENO, text);
}

void show_progress(std::string_view text) {
  static const bool show = ::isatty(STDERR_FILENO) != 0;
  if (show) print_err("\r\033[K{}", text);
}

int fail(const Error& error) {
  if (error.code == ErrorCode::cancelled && was_interrupted()) return kInterrupted;
  g_told = true;
  const std::string message = printable(error.message, kMessageBytesMax);
  print_err("{}: {}\n", g_program, message);
  const Paths paths = Paths::find();
  if (make_private_folder(paths.state)) {
    append_to_log(paths.log(), LogLevel::error, "cli", message);
  }
  return kFailed;
}

int finish_streams(int code) {
  flush_out();
  // Some file systems tell at closing only.
  if (const int copy = ::dup(STDOUT_FILENO); g_lost == 0 && copy >= 0 && ::close(copy) != 0) {
    lose(errno);
  }
  if (g_lost == 0) return code;
  if (g_lost == EPIPE && g_pipe_signal_ours) {
    std::signal(SIGPIPE, SIG_DFL);
    std::raise(SIGPIPE);
  }
  if (g_told) return code;  // it failed for another reason
  return fail(Error{ErrorCode::io,
                    fmt::format("cannot write to standard output: {}", std::strerror(g_lost))});
}

}  // namespace mneme::cli
