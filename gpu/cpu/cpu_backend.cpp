// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <utility>

#include "gpu/cpu/cpu_info.h"
#include "gpu/cpu/cpu_memory.h"
#include "gpu/cpu/cpu_plan.h"
#include "gpu/cpu/kernels.h"
#include "gpu/cpu/op_check.h"
#include "gpu/cpu/thread_pool.h"
#include "inference/base/check.h"

namespace mneme {
namespace {

constexpr int kThreadsMax = 256;
constexpr std::int64_t kBytesAtATime = 16 << 10;  // what a thread takes: some microseconds of work

using Clock = std::chrono::steady_clock;

// What all threads need to run one segment.
struct SegmentRun {
  ThreadPool& pool;
  CpuPlan& plan;
  std::size_t first_phase;
  std::size_t end_phase;
  KernelStep step;
  const std::atomic<bool>* cancel;
};

bool cancelled(const std::atomic<bool>* cancel) {
  return cancel && cancel->load(std::memory_order_relaxed);
}

void fill_rope_tables(CpuPlan& plan, const KernelStep& step) {
  for (const RopeTable& table : plan.rope_tables_) {
    const std::size_t pairs = table.frequencies.size();
    for (std::int64_t t = 0; t < step.tokens; ++t) {
      float* row = table.rows + static_cast<std::size_t>(t) * 2 * pairs;
      for (std::size_t i = 0; i < pairs; ++i) {
        const double angle = static_cast<double>(step.position + t) * table.frequencies[i];
        row[i] = static_cast<float>(std::cos(angle));
        row[pairs + i] = static_cast<float>(std::sin(angle));
      }
    }
  }
}

// One thread's part of a segment. After a cancel the phases are still walked through, without work,
// so that every thread comes to every meeting.
void run_phases(void* context, int thread) {
  SegmentRun& run = *static_cast<SegmentRun*>(context);
  CpuPlan& plan = run.plan;
  auto* scratch = reinterpret_cast<unsigned char*>(
      plan.scratch_ + static_cast<std::size_t>(thread) * plan.scratch_bytes_);
  const bool timing = plan.timing_ && thread == 0;
  auto before = timing ? Clock::now() : Clock::time_point();
  for (std::size_t p = run.first_phase; p < run.end_phase; ++p) {
    const Phase& phase = plan.phases_[p];
    const std::int64_t tokens = phase.args.outputs_only ? run.step.outputs : run.step.tokens;
    const std::int64_t items = tokens == 0 ? 0 : phase.items + phase.items_per_token * tokens;
    const std::int64_t chunk = std::max<std::int64_t>(1, kBytesAtATime / phase.chunk_bytes);
    for (;;) {
      const std::int64_t begin = run.pool.take(chunk);
      if (begin >= items || cancelled(run.cancel)) break;
      phase.kernel(phase.args, run.step, begin, std::min(items, begin + chunk), scratch);
    }
    run.pool.meet();
    if (timing) {
      const auto now = Clock::now();
      plan.op_us_[phase.op] += std::chrono::duration<double, std::micro>(now - before).count();
      before = now;
    }
  }
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(const Kernels& kernels, int threads) : kernels_(kernels), pool_(threads) {}

  std::string_view name() const override { return "cpu"; }
  std::string description() const override {
    return fmt::format("{}, {}, {} thread{}", cpu_name(), kernels_.name, pool_.threads(),
                       pool_.threads() == 1 ? "" : "s");
  }
  MemoryInfo memory() const override { return host_memory(); }
  bool supports(const Graph& graph, const Op& op) const override {
    return why_unsupported(graph, op).empty();
  }

  Result<Buffer> alloc(std::size_t bytes, MemoryKind) override { return alloc_host_memory(bytes); }

  Result<Buffer> wrap(std::span<const std::byte> mapped) override {
    return Buffer(reinterpret_cast<std::uint64_t>(mapped.data()), mapped.size(), nullptr, nullptr);
  }

  Result<std::unique_ptr<Plan>> compile(const Graph& graph,
                                        const CompileOptions& options) override {
    return compile_for_cpu(graph, options, kernels_, pool_.threads());
  }

  void run(Plan& plan, const Segment& segment, const StepParams& step) override {
    auto& cpu_plan = static_cast<CpuPlan&>(plan);
    check_step(cpu_plan, step);
    cancelled_ = cancelled_ || cancelled(step.cancel);
    if (cancelled_ || step.tokens.empty()) return;
    SegmentRun run{pool_,
                   cpu_plan,
                   cpu_plan.first_phase_[segment.first_op],
                   cpu_plan.first_phase_[segment.end_op],
                   KernelStep{step.tokens.data(), static_cast<std::int64_t>(step.tokens.size()),
                              step.n_outputs, step.position},
                   step.cancel};
    if (segment.first_op == 0) fill_rope_tables(cpu_plan, run.step);
    pool_.run(run_phases, &run);
    cancelled_ = cancelled(step.cancel);
    if (cpu_plan.timing_) {
      for (std::size_t i = segment.first_op; i < segment.end_op; ++i) ++cpu_plan.runs_[i];
    }
  }

  Status finish() override {
    if (!std::exchange(cancelled_, false)) return {};
    return Error{ErrorCode::cancelled, "the step was stopped"};
  }

  void set_timing(Plan& plan, bool on) override {
    auto& cpu_plan = static_cast<CpuPlan&>(plan);
    cpu_plan.timing_ = on;
    if (!on) return;
    std::fill(cpu_plan.op_us_.begin(), cpu_plan.op_us_.end(), 0.0);
    std::fill(cpu_plan.runs_.begin(), cpu_plan.runs_.end(), 0);
  }

  std::vector<OpTime> times(const Plan& plan) const override {
    const auto& cpu_plan = static_cast<const CpuPlan&>(plan);
    std::vector<OpTime> times;
    for (std::size_t i = 0; i < cpu_plan.runs_.size(); ++i) {
      if (cpu_plan.runs_[i] == 0) continue;
      times.push_back(OpTime{i, cpu_plan.op_us_[i] / static_cast<double>(cpu_plan.runs_[i])});
    }
    return times;
  }

 private:
  static void check_step(const CpuPlan& plan, const StepParams& step) {
    const auto tokens = static_cast<std::int64_t>(step.tokens.size());
    CHECK(tokens <= plan.tokens_max_);
    CHECK(step.n_outputs >= 0 && step.n_outputs <= std::min(tokens, plan.outputs_max_));
    CHECK(step.position >= 0 && step.position + tokens <= plan.positions_max_);
    for (const TokenId id : step.tokens) CHECK(id >= 0 && id < plan.vocab_);
  }

  const Kernels& kernels_;
  ThreadPool pool_;
  bool cancelled_ = false;  // since the last finish()
};

const Kernels& kernels_named(std::string_view name) {
#if defined(__x86_64__)
  if (name == "avx512") return kAvx512Kernels;
  if (name == "avx2") return kAvx2Kernels;
#endif
  CHECK(name == "scalar");
  return kScalarKernels;
}

}  // namespace

Result<std::unique_ptr<Backend>> open_cpu_backend(const BackendOptions& options) {
  const std::vector<std::string_view> available = available_instruction_sets();
  std::string_view name = available.front();
  if (!options.instruction_set.empty()) {
    name = options.instruction_set;
    if (std::find(available.begin(), available.end(), name) == available.end()) {
      return Error{
          ErrorCode::unsupported,
          fmt::format("the instruction set \"{}\" cannot be used on this CPU: choose one of {}",
                      name, fmt::join(available, ", "))};
    }
  }
  if (options.threads < 0 || options.threads > kThreadsMax) {
    return Error{ErrorCode::invalid, fmt::format("{} compute threads make no sense: choose 1 to {}",
                                                 options.threads, kThreadsMax)};
  }
  const int threads =
      options.threads > 0 ? options.threads : std::min(available_physical_cores(), kThreadsMax);
  return std::unique_ptr<Backend>(std::make_unique<CpuBackend>(kernels_named(name), threads));
}

}  // namespace mneme
