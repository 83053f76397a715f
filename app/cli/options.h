// SPDX-License-Identifier: Apache-2.0
// Options that several subcommands share, and what they turn into.
#pragma once

#include <CLI/App.hpp>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "inference/base/result.h"
#include "inference/run/engine.h"
#include "inference/run/generate.h"

namespace mneme::cli {

constexpr std::size_t kTextBytesMax = 64 << 20;  // of a prompt, and of a line of chat

struct CommonOptions {
  std::string model;
  std::string memory;
  std::optional<std::string> prompt;
  std::int64_t tokens_max = 0;
  SamplerOptions sampling;
  int threads = 0;
  std::int64_t context = 0;
  std::uint64_t ram_budget = 0;   // bytes; 0 = a quarter of the tables
  std::uint64_t device_rows = 0;  // bytes
  std::uint64_t record_log = 0;   // bytes; 0 = none
  std::optional<int> numa_node;
  VerifyRows verify = VerifyRows::sampled;
  bool exact = false;
  std::string instruction_set;
  std::string device = "auto";
  std::int64_t gpu_layers = 0;
  bool json = false;
  bool verbose = false;
};

void add_threads(CLI::App& app, int& threads);
void add_instruction_set(CLI::App& app, std::string& instruction_set);
void add_model_options(CLI::App& app, CommonOptions& options);
void add_prompt_options(CLI::App& app, CommonOptions& options);
void add_sampling_options(CLI::App& app, CommonOptions& options);

// The prompt given with -p, else all of standard input, as check_text() has it. Errors: io; invalid
// (none, too large, no text).
Result<std::string> read_prompt(const CommonOptions& options);

// Opens the model that the options name, with the load's progress on a terminal's stderr. From here
// on Ctrl+C sets interrupt_flag(), which cancels the load. Errors as Engine::open.
Result<std::unique_ptr<Engine>> open_engine(const CommonOptions& options);

}  // namespace mneme::cli
