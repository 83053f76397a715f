// SPDX-License-Identifier: Apache-2.0
// Speed of the CPU backend on real shapes with random weights, beside the memory speed measured in
// the same run:
//   gpu_bench [135m|1b] [fast|exact] [threads] [instruction set] [weight type] [ops]
// With "ops" it also prints where the time of a step goes, by kind of op.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstdlib>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "gpu/cpu/bandwidth.h"
#include "gpu/registry.h"
#include "inference/base/check.h"
#include "tests/gpu/random_llama.h"

namespace {

using namespace mneme;

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
  fmt::print("{}: {:.0f} us\n", what, sum);
  for (const auto& [kind, us] : by_kind) fmt::print("  {:24} {:10.1f} us\n", kind, us);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string> args(argv + 1, argv + argc);
  const auto arg = [&](std::size_t i, std::string other) {
    return i < args.size() ? args[i] : other;
  };
  const bool large = arg(0, "135m") == "1b";
  LlamaShape shape = large ? kLlama1B : kSmol135M;
  const NumericMode mode = arg(1, "fast") == "exact" ? NumericMode::exact : NumericMode::fast;
  auto opened = open_backend({std::atoi(arg(2, "0").c_str()), arg(3, "")});
  if (!opened) {
    fmt::print(stderr, "{}\n", opened.error().message);
    return 1;
  }
  Backend& backend = **opened;
  for (const DType dtype :
       {DType::f32, DType::f16, DType::bf16, DType::q8_0, DType::q4_0, DType::q4_1}) {
    if (arg(4, "") == dtype_info(dtype).name) shape.weights = dtype;
  }
  RandomLlama model(backend, shape, kContext, 1);
  auto prefill = backend.compile(model.graph(), {mode, kPrompt, 1});
  auto decode = backend.compile(model.graph(), {mode, 1, 1});
  CHECK(prefill.has_value() && decode.has_value());
  const std::vector<TokenId> prompt(kPrompt, 11);
  const std::array<TokenId, 1> one{7};
  const int threads = std::max(1, std::atoi(arg(2, "2").c_str()));

  fmt::print("{}\n{} weights, {:.1f} MB a token, plans {:.1f} + {:.1f} MB\n", backend.description(),
             dtype_info(shape.weights).name, static_cast<double>(model.weight_bytes()) / 1e6,
             static_cast<double>((*prefill)->memory_bytes()) / 1e6,
             static_cast<double>((*decode)->memory_bytes()) / 1e6);
  const int rounds = large ? 3 : 6;
  double read_gb_s = 0;
  double prefill_s = 1e9;
  double decode_s = 1e9;
  double late_s = 1e9;
  for (int round = 0; round < rounds; ++round) {  // interleaved: the machine may be shared
    read_gb_s = std::max(read_gb_s, measure_read_bandwidth_gb_s(threads));
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
  fmt::print("read {:.1f} GB/s\nprefill {:.0f} tok/s\n", read_gb_s, kPrompt / prefill_s);
  fmt::print("decode at 16: {:.1f} tok/s, {:.1f} GB/s, {:.0f} % of reading\n", 1 / decode_s,
             share(decode_s, 16), 100 * share(decode_s, 16) / read_gb_s);
  fmt::print("decode at {}: {:.1f} tok/s, {:.1f} GB/s, {:.0f} % of reading\n", kPrompt, 1 / late_s,
             share(late_s, kPrompt), 100 * share(late_s, kPrompt) / read_gb_s);
  fmt::print("128 tokens from 16: median {:.1f} tok/s, slowest tenth from {:.1f} tok/s\n",
             1 / steps_s[64], 1 / steps_s[115]);
  if (arg(5, "") != "ops") return 0;
  backend.set_timing(**prefill, true);
  model.step(backend, **prefill, prompt, 0, 1);
  print_ops(backend, **prefill, model.graph(), "prefill");
  backend.set_timing(**decode, true);
  for (int i = 0; i < 20; ++i) model.step(backend, **decode, one, kPrompt, 1);
  print_ops(backend, **decode, model.graph(), "decode");
  return 0;
}
