// SPDX-License-Identifier: Apache-2.0
// Options that several subcommands share, and what they turn into.
#pragma once

#include <CLI/App.hpp>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "base/result.h"
#include "inference/run/engine.h"
#include "inference/settings/setting.h"
#include "inference/settings/settings.h"

namespace mneme::cli {

constexpr std::size_t kTextBytesMax = 64 << 20;  // of a prompt, and of a line of chat

struct CommonOptions {
  Settings settings;
  std::optional<std::string> prompt;
  bool json = false;
  bool verbose = false;
};

// The option of a row of the table of settings: its flags, its help, its range.
CLI::Option* add_setting(CLI::App& app, const Setting& setting, Settings& settings);

// Those that choose a model and how it runs, those of what is printed, and both.
void add_engine_options(CLI::App& app, CommonOptions& options);
void add_output_options(CLI::App& app, CommonOptions& options);
void add_model_options(CLI::App& app, CommonOptions& options);
void add_prompt_options(CLI::App& app, CommonOptions& options);
void add_sampling_options(CLI::App& app, CommonOptions& options);
// Those of a chat: how its answers are made, sampling included.
void add_chat_options(CLI::App& app, CommonOptions& options);

// The prompt given with -p, else all of standard input, as check_text() has it. Errors: io; invalid
// (none, too large, no text).
Result<std::string> read_prompt(const CommonOptions& options);

// What Engine::open() gets for them. Errors: io (the default model is wanted, and not there).
Result<EngineOptions> engine_options(const CommonOptions& options);

// Opens the model that the options name, with the load's progress on a terminal's stderr. From here
// on Ctrl+C sets interrupt_flag(), which cancels the load. Errors as Engine::open.
Result<std::unique_ptr<Engine>> open_engine(const CommonOptions& options);

}  // namespace mneme::cli
