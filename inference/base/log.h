// SPDX-License-Identifier: Apache-2.0
// Log lines of all modules: to stderr, to a rotating file where one is named, and to a bounded ring
// that the log view reads. The only file that knows spdlog is log.cpp. Any thread may log; nothing
// in an inner loop does.
#pragma once

#include <fmt/format.h>

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

enum class LogLevel : std::uint8_t { debug, info, warning, error };

struct LogLine {
  std::uint64_t number = 0;  // counts up from 1
  std::int64_t time_ms = 0;  // since the Unix epoch
  LogLevel level = LogLevel::info;
  std::string module;
  std::string text;
};

struct LogOptions {
  LogLevel stderr_level = LogLevel::warning;
  std::string file;  // empty = no file; else at most 2 files of 4 MiB
};

// Once, early in main. Before it, lines go to stderr at warning and above.
void configure_log(const LogOptions& options);

void log_line(LogLevel level, std::string_view module, std::string_view text);

// Lines with a number above `after`, oldest first; at most the last 2,000 are kept.
std::vector<LogLine> recent_log_lines(std::uint64_t after = 0);

template <class... Args>
void log_debug(std::string_view module, fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::debug, module, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void log_info(std::string_view module, fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::info, module, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void log_warning(std::string_view module, fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::warning, module, fmt::format(text, std::forward<Args>(args)...));
}
template <class... Args>
void log_error(std::string_view module, fmt::format_string<Args...> text, Args&&... args) {
  log_line(LogLevel::error, module, fmt::format(text, std::forward<Args>(args)...));
}

}  // namespace mneme
