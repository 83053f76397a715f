// SPDX-License-Identifier: Apache-2.0
#include "base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>
#include <sys/stat.h>

#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "base/log_file.h"
#include "base/printable.h"
#include "base/private_file.h"

namespace mneme {
namespace {

constexpr std::size_t kRingLines = 2000;
constexpr std::size_t kFileBytes = 4 << 20;

spdlog::level::level_enum to_spdlog(LogLevel level) {
  switch (level) {
    case LogLevel::debug:
      return spdlog::level::debug;
    case LogLevel::info:
      return spdlog::level::info;
    case LogLevel::warning:
      return spdlog::level::warn;
    case LogLevel::error:
      return spdlog::level::err;
  }
  return spdlog::level::info;
}

struct LogState {
  std::mutex mutex;
  std::deque<LogLine> ring;
  std::uint64_t next_number = 1;
  std::vector<spdlog::sink_ptr> sinks;

  LogState() { sinks.push_back(make_stderr(LogLevel::warning)); }

  static spdlog::sink_ptr make_stderr(LogLevel level) {
    auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
    sink->set_level(to_spdlog(level));
    return sink;
  }
};

LogState& state() {
  static LogState* instance = new LogState;  // never destroyed: threads may log while main returns
  return *instance;
}

Result<spdlog::sink_ptr> open_file(const std::string& file) {
  RETURN_IF_ERROR(make_private_file(file));
  spdlog::file_event_handlers events;
  events.after_open = [](const spdlog::filename_t&, std::FILE* opened) {
    ::fchmod(::fileno(opened), 0600);  // also of the one that follows when this one is full
  };
  try {
    return spdlog::sink_ptr(
        std::make_shared<spdlog::sinks::rotating_file_sink_mt>(file, kFileBytes, 1, false, events));
  } catch (const spdlog::spdlog_ex& failure) {
    return Error{ErrorCode::io, failure.what()};
  }
}

void write_line(spdlog::sinks::sink& sink, spdlog::log_clock::time_point now, LogLevel level,
                std::string_view module, std::string_view text) {
  const spdlog::details::log_msg message(
      now, {}, spdlog::string_view_t(module.data(), module.size()), to_spdlog(level),
      spdlog::string_view_t(text.data(), text.size()));
  if (!sink.should_log(message.level)) return;
  try {
    sink.log(message);
    sink.flush();
  } catch (const spdlog::spdlog_ex&) {
    // A full disk must not end the program; the ring still has the line.
  }
}

}  // namespace

void configure_log(const LogOptions& options) {
  LogState& log = state();
  const std::lock_guard lock(log.mutex);
  log.sinks.clear();
  log.sinks.push_back(LogState::make_stderr(options.stderr_level));
  if (options.file.empty()) return;
  auto sink = open_file(options.file);
  if (sink) {
    log.sinks.push_back(std::move(*sink));
  } else {
    std::fprintf(stderr, "no log file: %s\n", sink.error().message.c_str());
  }
}

void append_to_log(const std::string& file, LogLevel level, std::string_view module,
                   std::string_view said) {
  const auto sink = open_file(file);
  const std::string text = printable(said, kMessageBytesMax);
  if (sink) write_line(**sink, spdlog::log_clock::now(), level, module, text);
}

void log_line(LogLevel level, std::string_view module, std::string_view said) {
  const std::string text = printable(said, kMessageBytesMax);  // names of files and drivers
  LogState& log = state();
  const auto now = spdlog::log_clock::now();
  const std::lock_guard lock(log.mutex);
  const auto since_epoch =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  log.ring.push_back(
      LogLine{log.next_number++, since_epoch.count(), level, std::string(module), text});
  if (log.ring.size() > kRingLines) log.ring.pop_front();
  for (const auto& sink : log.sinks) write_line(*sink, now, level, module, text);
}

std::vector<LogLine> recent_log_lines(std::uint64_t after) {
  LogState& log = state();
  const std::lock_guard lock(log.mutex);
  std::vector<LogLine> lines;
  for (const LogLine& line : log.ring) {
    if (line.number > after) lines.push_back(line);
  }
  return lines;
}

}  // namespace mneme
