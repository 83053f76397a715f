// SPDX-License-Identifier: Apache-2.0
#include "app/cli/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <atomic>
#include <cmath>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <iostream>
#include <iterator>
#include <map>
#include <utility>

#include "app/paths.h"
#include "inference/base/log.h"
#include "inference/base/printable.h"
#include "inference/run/sampler.h"

namespace mneme::cli {
namespace {

constexpr std::size_t kPromptBytesMax = 64 << 20;

std::atomic<bool> g_interrupted = false;  // set by the signal handler

void on_interrupt(int) {
  // A second Ctrl+C while the first is being obeyed ends the program at once.
  if (g_interrupted.exchange(true)) std::_Exit(kInterrupted);
}

// Refuses what the sampler would refuse, as a usage error.
CLI::Validator sampler_value(const SamplerField& field) {
  return {[field](std::string& text) {
            const Status status = check_sampler_value(field, std::strtod(text.c_str(), nullptr));
            return status ? std::string() : status.error().message;
          },
          ""};
}

// CLI11's own names the largest double in its message.
CLI::Validator zero_or_more() {
  return {[](std::string& text) -> std::string {
            return text.starts_with('-') ? fmt::format("{} is less than 0", text) : std::string();
          },
          ""};
}

CLI::Validator byte_size(std::uint64_t least = 1) {
  return {[least](std::string& text) -> std::string {
            const auto bytes = parse_bytes(text);
            if (!bytes) return bytes.error().message;
            return *bytes >= least ? "" : "it must be more than 0";
          },
          ""};
}

}  // namespace

SamplerOptions CommonOptions::sampling() const {
  SamplerOptions s;
  s.temperature = temperature;
  s.top_k = top_k;
  s.top_p = top_p;
  s.min_p = min_p;
  s.repetition_penalty = repetition_penalty;
  s.seed = seed;
  s.stops = stops;
  return s;
}

void add_model_options(CLI::App& app, CommonOptions& o) {
  app.add_option("-m,--model", o.model,
                 "GGUF file of the model (default: the one `./dev run` fetches)");
  app.add_option("--memory", o.memory, "memory pack, or 'off' (default: the best one found)")
      ->type_name("FILE|off");
  app.add_option("-t,--threads", o.threads, "compute threads (default: one per core)")
      ->check(CLI::Range(0, 1024));
  app.add_option("--ctx", o.context, "context in tokens (default: the model's, at most 8192)")
      ->check(zero_or_more());
  app.add_option("--ram-budget", o.ram_budget,
                 "RAM for table rows, e.g. 64M (default: a quarter of the tables)")
      ->check(byte_size());
  app.add_option("--device-rows", o.device_rows,
                 "memory of a GPU for the table rows that are used most, e.g. 512M: they then need "
                 "not travel to it (0: none)")
      ->capture_default_str()
      ->check(byte_size(0));
  app.add_option(
         "--record-log", o.record_log,
         "room on the drive for rows that were read, each n-gram's together, e.g. 16G: later "
         "reads are fewer, but each new row is written once (default: none)")
      ->check(byte_size());
  app.add_option("--numa-node", o.numa_node,
                 "NUMA node for table rows in RAM (default: the system chooses)");
  app.add_option("--verify", o.verify,
                 "compare rows of packs that have checksums: off, sampled (one in 64) or always")
      ->transform(CLI::CheckedTransformer(
          std::map<std::string, VerifyRows>{{"off", VerifyRows::off},
                                            {"sampled", VerifyRows::sampled},
                                            {"always", VerifyRows::always}}));
  app.add_flag("--exact", o.exact, "float32 activations: slower, reproducible across processors");
  app.add_option("--instruction-set", o.instruction_set,
                 "scalar, avx2 or avx512 (default: the best)")
      ->check(CLI::IsMember({"scalar", "avx2", "avx512"}));
  app.add_option("--device", o.device,
                 "auto, cpu, vulkan or vulkan:N, as `mneme-cli devices` lists them")
      ->capture_default_str();
  app.add_option("--gpu-layers", o.gpu_layers,
                 "of the model's layers, how many the GPU takes; the others stay on the CPU "
                 "(default: as many as it has room for)")
      ->check(zero_or_more());
  app.add_flag("--json", o.json, "machine-readable output");
  app.add_flag("-v,--verbose", o.verbose, "log to stderr what is being done");
}

void add_prompt_options(CLI::App& app, CommonOptions& o) {
  app.add_option("-p,--prompt", o.prompt, "the prompt (default: standard input)");
  app.add_option("-n", o.tokens_max, "most tokens to generate")->check(zero_or_more());
}

void add_sampling_options(CLI::App& app, CommonOptions& o) {
  app.add_option("--seed", o.seed,
                 "seed of the sampler (default: a fresh one, printed with --json)");
  app.add_option("--temp", o.temperature, "temperature; 0 = always the most probable token")
      ->check(sampler_value(sampler_fields::kTemperature))
      ->capture_default_str();
  app.add_option("--top-k", o.top_k, "keep the k most probable tokens; 0 = off")
      ->check(sampler_value(sampler_fields::kTopK))
      ->capture_default_str();
  app.add_option("--top-p", o.top_p, "keep tokens that make up this probability; 1 = off")
      ->check(sampler_value(sampler_fields::kTopP))
      ->capture_default_str();
  app.add_option("--min-p", o.min_p, "keep tokens above this share of the best; 0 = off")
      ->check(sampler_value(sampler_fields::kMinP))
      ->capture_default_str();
  app.add_option("--repeat-penalty", o.repetition_penalty, "against repetition; 1 = off")
      ->check(sampler_value(sampler_fields::kRepetitionPenalty))
      ->capture_default_str();
  app.add_option("--stop", o.stops,
                 "end the answer in front of this text; may be given more than once")
      ->allow_extra_args(false)
      ->check(CLI::Validator(
          [](std::string& text) {
            return text.empty() ? std::string("a text to stop at has no characters")
                                : std::string();
          },
          ""));
}

Result<std::string> read_prompt(const CommonOptions& options) {
  if (options.prompt) return *options.prompt;
  if (::isatty(STDIN_FILENO) != 0) {
    return Error{ErrorCode::invalid, "there is no prompt: give it with -p or on standard input"};
  }
  std::string text;
  std::array<char, 1 << 16> block;
  std::size_t n = 0;
  while ((n = std::fread(block.data(), 1, block.size(), stdin)) > 0) {
    text.append(block.data(), n);
    if (text.size() > kPromptBytesMax) {
      return Error{ErrorCode::invalid, "the prompt on standard input is larger than 64 MiB"};
    }
  }
  return text;
}

Result<std::uint64_t> parse_bytes(const std::string& text) {
  char* end = nullptr;
  const double number = std::strtod(text.c_str(), &end);
  double scale = 1;
  const std::string unit = end != nullptr ? end : "";
  const char letter =
      unit.empty() ? 'B' : static_cast<char>(std::toupper(static_cast<unsigned char>(unit[0])));
  const bool known = unit.size() <= 1 || unit.substr(1) == "B" || unit.substr(1) == "iB";
  switch (letter) {
    case 'B':
      break;
    case 'K':
      scale = 1024.0;
      break;
    case 'M':
      scale = 1024.0 * 1024;
      break;
    case 'G':
      scale = 1024.0 * 1024 * 1024;
      break;
    default:
      scale = 0;
  }
  const double bytes = number * scale;
  if (end == text.c_str() || !known || scale == 0 || !std::isfinite(bytes) || bytes < 0 ||
      bytes > 1e15) {
    return Error{ErrorCode::invalid,
                 fmt::format("'{}' is not a size: write for example 64M or 2G", text)};
  }
  return static_cast<std::uint64_t>(bytes);
}

std::string bytes_text(std::uint64_t bytes) {
  const auto value = static_cast<double>(bytes);
  if (bytes < 10'000) return fmt::format("{} B", bytes);
  if (value < 1e6) return fmt::format("{:.0f} kB", value / 1e3);
  if (value < 1e9) return fmt::format("{:.1f} MB", value / 1e6);
  return fmt::format("{:.1f} GB", value / 1e9);
}

Result<std::unique_ptr<Engine>> open_engine(const CommonOptions& options) {
  LogOptions log;
  log.stderr_level = options.verbose ? LogLevel::info : LogLevel::warning;
  configure_log(log);
  const Paths paths = Paths::find();
  EngineOptions engine;
  engine.model_path = options.model;
  engine.memory = options.memory;
  engine.pack_folders = paths.pack_folders();
  engine.threads = options.threads;
  engine.context = options.context;
  engine.exact = options.exact;
  engine.instruction_set = options.instruction_set;
  engine.device = options.device;
  engine.gpu_layers = options.gpu_layers;
  engine.cache_folder = paths.cache;
  if (engine.model_path.empty()) {
    engine.model_path = paths.default_model();
    std::error_code error;
    if (!std::filesystem::exists(engine.model_path, error)) {
      return Error{ErrorCode::io,
                   fmt::format("the default model is not at {}: run `./dev run` once to "
                               "fetch it, or name a model with -m",
                               engine.model_path)};
    }
  }
  engine.verify = options.verify;
  engine.numa_node = options.numa_node;
  if (!options.ram_budget.empty()) {
    auto bytes = parse_bytes(options.ram_budget);
    if (!bytes) return bytes.error();
    engine.ram_budget = *bytes;
  }
  auto device_rows = parse_bytes(options.device_rows);
  if (!device_rows) return device_rows.error();
  engine.device_rows = *device_rows;
  if (!options.record_log.empty()) {
    auto bytes = parse_bytes(options.record_log);
    if (!bytes) return bytes.error();
    engine.record_log_bytes = *bytes;
    engine.record_log_folder = paths.record_logs();
  }
  catch_interrupt();
  const auto progress = [](double fraction, std::string_view stage) {
    show_progress(fmt::format("{} {:.0f} %", stage, 100 * fraction));
  };
  auto opened = Engine::open(engine, progress, &g_interrupted);
  show_progress("");
  return opened;
}

void show_progress(std::string_view text) {
  static const bool show = ::isatty(STDERR_FILENO) != 0;
  if (show) fmt::print(stderr, "\r\033[K{}", text);
}

const std::atomic<bool>* catch_interrupt() {
  struct sigaction action {};
  action.sa_handler = on_interrupt;  // no SA_RESTART: a read at the prompt ends too
  ::sigaction(SIGINT, &action, nullptr);
  ::sigaction(SIGTERM, &action, nullptr);  // whoever asks for the end gets a clean one
  return &g_interrupted;
}

const std::atomic<bool>* interrupt_flag() {
  return &g_interrupted;
}

bool was_interrupted() {
  return g_interrupted.load();
}
void clear_interrupt() {
  g_interrupted = false;
}

int fail(const Error& error) {
  if (error.code == ErrorCode::cancelled && was_interrupted()) return kInterrupted;
  fmt::print(stderr, "mneme-cli: {}\n", printable(error.message, kMessageBytesMax));
  return kFailed;
}

}  // namespace mneme::cli
