// SPDX-License-Identifier: Apache-2.0
#include "inference/base/log.h"

#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/sinks/stdout_sinks.h>
#include <spdlog/spdlog.h>

#include <cstdio>
#include <deque>
#include <memory>
#include <mutex>
#include <string>

#include "inference/base/printable.h"

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

}  // namespace

void configure_log(const LogOptions& options) {
  LogState& log = state();
  const std::lock_guard lock(log.mutex);
  log.sinks.clear();
  log.sinks.push_back(LogState::make_stderr(options.stderr_level));
  if (options.file.empty()) return;
  try {
    log.sinks.push_back(
        std::make_shared<spdlog::sinks::rotating_file_sink_mt>(options.file, kFileBytes, 1));
  } catch (const spdlog::spdlog_ex& failure) {
    std::fprintf(stderr, "no log file: %s\n", failure.what());
  }
}

void log_line(LogLevel level, std::string_view room, std::string_view said) {
  const std::string text = printable(said, kMessageBytesMax);  // names of files and drivers
  LogState& log = state();
  const auto now = spdlog::log_clock::now();
  const std::lock_guard lock(log.mutex);
  const auto since_epoch =
      std::chrono::duration_cast<std::chrono::milliseconds>(now.time_since_epoch());
  log.ring.push_back(
      LogLine{log.next_number++, since_epoch.count(), level, std::string(room), text});
  if (log.ring.size() > kRingLines) log.ring.pop_front();
  const spdlog::details::log_msg message(now, {}, spdlog::string_view_t(room.data(), room.size()),
                                         to_spdlog(level),
                                         spdlog::string_view_t(text.data(), text.size()));
  for (const auto& sink : log.sinks) {
    if (!sink->should_log(message.level)) continue;
    try {
      sink->log(message);
      sink->flush();
    } catch (const spdlog::spdlog_ex&) {
      // A full disk must not end the program; the ring still has the line.
    }
  }
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
