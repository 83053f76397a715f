// SPDX-License-Identifier: Apache-2.0
#include "app/cli/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <initializer_list>
#include <string_view>
#include <utility>
#include <vector>

#include "app/cli/interrupt.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "base/log.h"

namespace mneme::cli {
namespace {

void add_settings(CLI::App& app, std::initializer_list<SettingPage> pages, Settings& settings) {
  for (const SettingPage page : pages) {
    for (const Setting& setting : all_settings()) {
      if (setting.page == page && !setting.flags.empty()) add_setting(app, setting, settings);
    }
  }
}

// What a model is given has to be UTF-8.
Result<std::string> checked_text(const Setting& setting, const std::string& given) {
  const bool text = setting.kind == SettingKind::text || setting.kind == SettingKind::texts;
  if (text) return check_text(given, "its value");
  return given;
}

}  // namespace

CLI::Option* add_setting(CLI::App& app, const Setting& setting, Settings& settings) {
  const std::string flags(setting.flags);
  if (setting.kind == SettingKind::toggle) {
    return app.add_flag_callback(
        flags, [&] { setting.put(settings, true); }, help_text(setting, setting.of(settings)));
  }
  CLI::Option* option = add_value(
      app, flags, std::string(value_name(setting)), help_text(setting, setting.of(settings)), "",
      "", [&](const std::string& given) -> Status {
        const auto text = checked_text(setting, given);
        if (!text) return text.error();
        auto value = parse_setting(setting, *text);
        if (!value) return value.error();
        if (auto* more = std::get_if<std::vector<std::string>>(&*value)) {
          auto all = std::get<std::vector<std::string>>(setting.of(settings));
          all.insert(all.end(), more->begin(), more->end());
          *more = std::move(all);
        }
        setting.put(settings, *value);
        return {};
      });
  if (setting.kind == SettingKind::texts) {
    option->expected(1, CLI::detail::expected_max_vector_size)->allow_extra_args(false);
  }
  return option;
}

void add_engine_options(CLI::App& app, CommonOptions& o) {
  add_settings(app, {SettingPage::model, SettingPage::memory, SettingPage::advanced}, o.settings);
}

void add_output_options(CLI::App& app, CommonOptions& o) {
  app.add_flag("--json", o.json, "machine-readable output");
  app.add_flag("-v,--verbose", o.verbose, "log to stderr what is being done");
}

void add_model_options(CLI::App& app, CommonOptions& o) {
  add_engine_options(app, o);
  add_output_options(app, o);
}

void add_prompt_options(CLI::App& app, CommonOptions& o) {
  add_text(app, "-p,--prompt", "the prompt, UTF-8 text", "standard input", "the prompt",
           [&o](std::string text) -> Status {
             o.prompt = std::move(text);
             return {};
           });
}

void add_sampling_options(CLI::App& app, CommonOptions& o) {
  add_settings(app, {SettingPage::sampling}, o.settings);
}

void add_chat_options(CLI::App& app, CommonOptions& o) {
  add_settings(app, {SettingPage::chat, SettingPage::sampling}, o.settings);
}

Result<std::string> read_prompt(const CommonOptions& options) {
  if (options.prompt) return *options.prompt;
  if (::isatty(STDIN_FILENO) != 0) {
    return Error{ErrorCode::invalid, "there is no prompt: give it with -p or on standard input"};
  }
  std::string text;
  std::array<char, 1 << 16> block;
  for (;;) {
    const ssize_t n = ::read(STDIN_FILENO, block.data(), block.size());
    if (n < 0 && errno == EINTR) continue;
    if (n < 0) {
      return Error{ErrorCode::io,
                   fmt::format("cannot read standard input: {}", std::strerror(errno))};
    }
    if (n == 0) return check_text(std::move(text), "the prompt");
    text.append(block.data(), static_cast<std::size_t>(n));
    if (text.size() > kTextBytesMax) {
      return Error{ErrorCode::invalid, "the prompt on standard input is larger than 64 MiB"};
    }
  }
}

Result<EngineOptions> engine_options(const CommonOptions& options) {
  const Paths paths = Paths::find();
  EngineOptions engine = options.settings.engine;
  engine.pack_folders = paths.pack_folders();
  engine.cache_folder = paths.cache;
  if (engine.record_log_bytes > 0) engine.record_log_folder = paths.record_logs();
  if (engine.model_path.empty()) {
    engine.model_path = paths.default_model();
    std::error_code error;
    if (!std::filesystem::exists(engine.model_path, error)) {
      return Error{ErrorCode::io,
                   fmt::format("the default model is not at {}: install the package "
                               "mneme-model-smollm2, or in the sources run `./dev run` once to "
                               "fetch it, or name a model with -m",
                               engine.model_path)};
    }
  }
  return engine;
}

Result<std::unique_ptr<Engine>> open_engine(const CommonOptions& options) {
  LogOptions log;
  log.stderr_level = options.verbose ? LogLevel::info : LogLevel::warning;
  configure_log(log);
  const auto engine = engine_options(options);
  if (!engine) return engine.error();
  const auto progress = [](double fraction, std::string_view stage) {
    show_progress(fmt::format("{} {:.0f} %", stage, 100 * fraction));
  };
  auto opened = Engine::open(*engine, progress, interrupt_flag());
  show_progress("");
  return opened;
}

}  // namespace mneme::cli
