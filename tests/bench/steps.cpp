// SPDX-License-Identifier: Apache-2.0
// mneme-bench steps: speed of the CPU backend on real shapes with random weights, beside the memory
// speed measured in the same run, and where the time of a step goes, by kind of op.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "app/cli/options.h"
#include "app/cli/streams.h"
#include "app/cli/values.h"
#include "gpu/cpu/bandwidth.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/registry.h"
#include "tests/bench/commands.h"
#include "tests/gpu/random_llama.h"

namespace mneme::bench {
namespace {

using namespace cli;

constexpr std::int64_t kContext = 1024;
constexpr std::int64_t kPrompt = 512;

template <class Run>
double best_seconds(int times, Run&& run) {
  double best = 1e9;
  for (int i = 0; i < times; ++i) {
    const auto start = std::chrono::steady_clock::now();
    run();
    const std::chrono::duration<double> seconds = std::chrono::steady_clock::now() - start;
    best = std::min(best, seconds.count());
  }
  return best;
}

void print_ops(Backend& backend, Plan& plan, const Graph& graph, std::string_view what) {
  std::map<std::string, double> by_kind;
  double sum = 0;
  for (const OpTime& time : backend.times(plan)) {
    const Op& op = graph.ops[time.op];
    std::string kind(op_kind_name(op.kind));
    if (op.kind == OpKind::matmul) {
      const Tensor& w = graph.tensor(op.in[1]);
      kind += fmt::format(" {}x{}", w.rows, w.cols);
    }
    by_kind[kind] += time.microseconds;
    sum += time.microseconds;
  }
  print_out("{}: {:.0f} us\n", what, sum);
  for (const auto& [kind, us] : by_kind) print_out("  {:24} {:10.1f} us\n", kind, us);
}

struct Options {
  std::string shape = "135m";
  DType weights = DType::q4_1;
  Settings settings;
  bool ops = false;
};

Status run_steps(const Options& options) {
  const bool large = options.shape == "1b";
  LlamaShape shape = large ? kLlama1B : kSmol135M;
  shape.weights = options.weights;
  const NumericMode mode = options.settings.engine.exact ? NumericMode::exact : NumericMode::fast;
  auto opened =
      open_backend({options.settings.engine.threads, options.settings.engine.instruction_set});
  if (!opened) return opened.error();
  Backend& backend = **opened;
  RandomLlama model(backend, shape, kContext, 1);
  auto prefill = backend.compile(model.graph(), {mode, kPrompt, 1});
  auto decode = backend.compile(model.graph(), {mode, 1, 1});
  if (!prefill) return prefill.error();
  if (!decode) return decode.error();
  const std::vector<TokenId> prompt(kPrompt, 11);
  const std::array<TokenId, 1> one{7};
  const int threads = options.settings.engine.threads > 0 ? options.settings.engine.threads
                                                          : available_physical_cores();

  print_out("{}\n{} weights, {:.1f} MB a token, plans {:.1f} + {:.1f} MB\n", backend.description(),
            dtype_info(shape.weights).name, static_cast<double>(model.weight_bytes()) / 1e6,
            static_cast<double>((*prefill)->memory_bytes()) / 1e6,
            static_cast<double>((*decode)->memory_bytes()) / 1e6);
  const int rounds = large ? 3 : 6;
  double read_gb_s = 0;
  double prefill_s = 1e9;
  double decode_s = 1e9;
  double late_s = 1e9;
  for (int round = 0; round < rounds; ++round) {  // interleaved: the machine may be shared
    const auto read = measure_read_bandwidth_gb_s(threads);
    if (!read) return read.error();
    read_gb_s = std::max(read_gb_s, *read);
    prefill_s =
        std::min(prefill_s, best_seconds(1, [&] { model.step(backend, **prefill, prompt, 0, 1); }));
    decode_s = std::min(decode_s, best_seconds(large ? 10 : 30,
                                               [&] { model.step(backend, **decode, one, 16, 1); }));
    late_s = std::min(late_s, best_seconds(large ? 5 : 15, [&] {
                        model.step(backend, **decode, one, kPrompt, 1);
                      }));
  }
  std::vector<double> steps_s;  // of a generation, one token after the other
  for (std::int64_t position = 16; position < 144; ++position) {
    steps_s.push_back(best_seconds(1, [&] { model.step(backend, **decode, one, position, 1); }));
  }
  std::sort(steps_s.begin(), steps_s.end());
  const auto share = [&](double seconds, std::int64_t position) {
    const double bytes =
        static_cast<double>(model.weight_bytes()) +
        static_cast<double>(model.kv_bytes_per_token()) * static_cast<double>(position);
    return bytes / seconds / 1e9;
  };
  print_out("read {:.1f} GB/s\nprefill {:.0f} tok/s\n", read_gb_s, kPrompt / prefill_s);
  print_out("decode at 16: {:.1f} tok/s, {:.1f} GB/s, {:.0f} % of reading\n", 1 / decode_s,
            share(decode_s, 16), 100 * share(decode_s, 16) / read_gb_s);
  print_out("decode at {}: {:.1f} tok/s, {:.1f} GB/s, {:.0f} % of reading\n", kPrompt, 1 / late_s,
            share(late_s, kPrompt), 100 * share(late_s, kPrompt) / read_gb_s);
  print_out("128 tokens from 16: median {:.1f} tok/s, slowest tenth from {:.1f} tok/s\n",
            1 / steps_s[64], 1 / steps_s[115]);
  if (!options.ops) return {};
  backend.set_timing(**prefill, true);
  model.step(backend, **prefill, prompt, 0, 1);
  print_ops(backend, **prefill, model.graph(), "prefill");
  backend.set_timing(**decode, true);
  for (int i = 0; i < 20; ++i) model.step(backend, **decode, one, kPrompt, 1);
  print_ops(backend, **decode, model.graph(), "decode");
  return {};
}

}  // namespace

Command add_steps(CLI::App& parent) {
  auto options = std::make_shared<Options>();
  CLI::App* app =
      parent.add_subcommand("steps", "Time steps of a model of random weights on the CPU");
  add_choice(*app, "--shape", options->shape, {"135m", "1b"}, "of the model", options->shape);
  add_choice<DType>(*app, "--type", options->weights,
                    {{"F32", DType::f32},
                     {"F16", DType::f16},
                     {"BF16", DType::bf16},
                     {"Q8_0", DType::q8_0},
                     {"Q4_0", DType::q4_0},
                     {"Q4_1", DType::q4_1}},
                    "of its weights", "Q4_1");
  for (const char* name : {"model/threads", "model/instruction_set"}) {
    add_setting(*app, find_setting(name), options->settings);
  }
  app->add_flag("--exact", options->settings.engine.exact, "hold products to float32 activations");
  app->add_flag("--ops", options->ops, "also the time of each kind of op");
  return [options] {
    const Status status = run_steps(*options);
    return status ? kDone : fail(status.error());
  };
}

}  // namespace mneme::bench
