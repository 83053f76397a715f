// SPDX-License-Identifier: Apache-2.0
#include "app/cli/options.h"

#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <filesystem>
#include <string_view>
#include <utility>

#include "app/cli/interrupt.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "app/paths.h"
#include "inference/base/log.h"
#include "inference/run/sampler.h"

namespace mneme::cli {
namespace {

constexpr std::int64_t kTokensMax = 1 << 24;
constexpr int kThreadsMax = 256;
constexpr int kNodeMax = 1023;
constexpr std::int64_t kLayersMax = 1024;

// Takes what the sampler takes, and tells what it would tell.
void add_sampler_value(CLI::App& app, const std::string& name, float& value,
                       const SamplerField& field, const std::string& help) {
  add_value(app, name, "NUMBER", help, fmt::format("{} to {}", field.least, field.most),
            fmt::format("{}", value), [&value, field](const std::string& text) -> Status {
              const auto number = parse_real(text);
              if (!number) return number.error();
              if (const Status status = check_sampler_value(field, *number); !status) {
                return Error{ErrorCode::invalid,
                             fmt::format("'{}' is refused: {}", text, status.error().message)};
              }
              value = static_cast<float>(*number);
              return {};
            });
}

}  // namespace

void add_threads(CLI::App& app, int& threads) {
  add_whole(app, "-t,--threads", threads, 0, kThreadsMax, "compute threads",
            "0, one for each core");
}

void add_instruction_set(CLI::App& app, std::string& instruction_set) {
  add_choice(app, "--instruction-set", instruction_set, {"scalar", "avx2", "avx512"},
             "kernels of the CPU", "the best");
}

void add_model_options(CLI::App& app, CommonOptions& o) {
  add_name(app, "-m,--model", o.model, "FILE", "GGUF file of the model",
           "the one that `./dev run` fetches");
  add_name(app, "--memory", o.memory, "FILE|off", "memory pack, or none", "the best one found");
  add_threads(app, o.threads);
  add_whole(app, "--ctx", o.context, 0, kTokensMax, "context in tokens",
            "0, the model's, at most 8192");
  add_size(app, "--ram-budget", o.ram_budget, 1, "RAM for table rows, as 64M",
           "a quarter of the tables");
  add_size(app, "--device-rows", o.device_rows, 0,
           "memory of a GPU for the table rows that are used most, as 512M: they then need not "
           "travel to it",
           "0, none");
  add_size(app, "--record-log", o.record_log, 1,
           "room on the drive for rows that were read, each n-gram's together, as 16G: later reads "
           "are fewer, but each new row is written once",
           "none");
  add_whole(app, "--numa-node", o.numa_node, 0, kNodeMax, "NUMA node for table rows in RAM",
            "the system chooses");
  add_choice<VerifyRows>(
      app, "--verify", o.verify,
      {{"off", VerifyRows::off}, {"sampled", VerifyRows::sampled}, {"always", VerifyRows::always}},
      "compare rows of packs that have checksums; sampled: one in 64", "sampled");
  app.add_flag("--exact", o.exact, "float32 activations: slower, reproducible across processors");
  add_instruction_set(app, o.instruction_set);
  add_name(app, "--device", o.device, "NAME",
           "auto, cpu, vulkan or vulkan:N, as `mneme-cli devices` lists them", o.device);
  add_whole(app, "--gpu-layers", o.gpu_layers, 0, kLayersMax,
            "of the model's layers, how many the GPU takes; the others stay on the CPU",
            "0, as many as it has room for");
  app.add_flag("--json", o.json, "machine-readable output");
  app.add_flag("-v,--verbose", o.verbose, "log to stderr what is being done");
}

void add_prompt_options(CLI::App& app, CommonOptions& o) {
  add_text(app, "-p,--prompt", "the prompt, UTF-8 text", "standard input", "the prompt",
           [&o](std::string text) -> Status {
             o.prompt = std::move(text);
             return {};
           });
  add_whole(app, "-n", o.tokens_max, 0, kTokensMax, "most tokens to generate",
            "until the model ends or the context is full");
}

void add_sampling_options(CLI::App& app, CommonOptions& o) {
  SamplerOptions& s = o.sampling;
  add_value(app, "--seed", "N", "seed of the sampler; -1: a fresh one, printed with --json",
            "-1 to 18446744073709551615", "-1", [&s](const std::string& text) -> Status {
              const auto seed = parse_seed(text);
              if (!seed) return seed.error();
              s.seed = *seed;
              return {};
            });
  using namespace sampler_fields;
  add_sampler_value(app, "--temp", s.temperature, kTemperature,
                    "temperature; 0: always the most probable token");
  add_whole(app, "--top-k", s.top_k, static_cast<std::int64_t>(kTopK.least),
            static_cast<std::int64_t>(kTopK.most), "keep the k most probable tokens; 0: off");
  add_sampler_value(app, "--top-p", s.top_p, kTopP,
                    "keep tokens that make up this probability; 1: off");
  add_sampler_value(app, "--min-p", s.min_p, kMinP,
                    "keep tokens above this share of the best; 0: off");
  add_sampler_value(app, "--repeat-penalty", s.repetition_penalty, kRepetitionPenalty,
                    "against repetition; 1: off");
  add_text(app, "--stop", "end the answer in front of this text; may be given more than once", "",
           "the text",
           [&s](std::string text) -> Status {
             if (text.empty()) return Error{ErrorCode::invalid, "its value is empty"};
             s.stops.push_back(std::move(text));
             return {};
           })
      ->expected(1, CLI::detail::expected_max_vector_size)
      ->allow_extra_args(false);
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
  engine.ram_budget = options.ram_budget;
  engine.device_rows = options.device_rows;
  engine.record_log_bytes = options.record_log;
  if (options.record_log > 0) engine.record_log_folder = paths.record_logs();
  const auto progress = [](double fraction, std::string_view stage) {
    show_progress(fmt::format("{} {:.0f} %", stage, 100 * fraction));
  };
  auto opened = Engine::open(engine, progress, interrupt_flag());
  show_progress("");
  return opened;
}

}  // namespace mneme::cli
