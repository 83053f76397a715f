// SPDX-License-Identifier: Apache-2.0
// Options that several subcommands share, what they turn into, and how a command ends.
#pragma once

#include <CLI/App.hpp>
#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "inference/base/result.h"
#include "inference/run/engine.h"
#include "inference/run/generate.h"

namespace mneme::cli {

// Exit codes (contracts.md section 7); usage errors end with 2 in main.
constexpr int kDone = 0;
constexpr int kFailed = 1;
constexpr int kUsage = 2;
constexpr int kInterrupted = 130;

struct CommonOptions {
  std::string model;
  std::string memory;
  std::optional<std::string> prompt;
  std::int64_t tokens_max = 0;
  std::optional<std::uint64_t> seed;
  float temperature = SamplerOptions{}.temperature;
  std::int32_t top_k = SamplerOptions{}.top_k;
  float top_p = SamplerOptions{}.top_p;
  float min_p = SamplerOptions{}.min_p;
  float repetition_penalty = SamplerOptions{}.repetition_penalty;
  std::vector<std::string> stops;
  int threads = 0;
  std::int64_t context = 0;
  std::string ram_budget;
  std::string device_rows = "0";
  std::string record_log;
  std::optional<int> numa_node;
  VerifyRows verify = VerifyRows::sampled;
  bool exact = false;
  std::string instruction_set;
  std::string device = "auto";
  std::int64_t gpu_layers = 0;
  bool json = false;
  bool verbose = false;

  SamplerOptions sampling() const;
};

void add_model_options(CLI::App& app, CommonOptions& options);
void add_prompt_options(CLI::App& app, CommonOptions& options);
void add_sampling_options(CLI::App& app, CommonOptions& options);

// The prompt given with -p, else all of standard input. Errors: invalid (none, too large).
Result<std::string> read_prompt(const CommonOptions& options);

// "64M", "1.5G", "800000": bytes. Errors: invalid.
Result<std::uint64_t> parse_bytes(const std::string& text);

// 800000 -> "800 kB", 41'000'000'000 -> "41.0 GB".
std::string bytes_text(std::uint64_t bytes);

// Opens the model that the options name, with the load's progress on a terminal's stderr. From here
// on Ctrl+C sets interrupt_flag(), which cancels the load. Errors as Engine::open.
Result<std::unique_ptr<Engine>> open_engine(const CommonOptions& options);

// From here on Ctrl+C sets interrupt_flag(), which is returned, and ends nothing by itself.
const std::atomic<bool>* catch_interrupt();

// To hand to generate() and evaluate().
const std::atomic<bool>* interrupt_flag();
bool was_interrupted();
void clear_interrupt();

// Shown on a terminal's stderr while something takes its time; "" takes it away.
void show_progress(std::string_view text);

// Prints "mneme-cli: <message>" to stderr; the exit code.
int fail(const Error& error);

}  // namespace mneme::cli
