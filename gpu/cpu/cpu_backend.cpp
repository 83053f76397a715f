// SPDX-License-Identifier: Apache-2.0
#include "gpu/cpu/cpu_backend.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstring>
#include <utility>

#include "base/check.h"
#include "base/exceptions.h"
#include "gpu/cpu/cpu_info.h"
#include "gpu/cpu/cpu_memory.h"
#include "gpu/cpu/cpu_plan.h"
#include "gpu/cpu/kernels.h"
#include "gpu/cpu/thread_choice.h"
#include "gpu/cpu/thread_pool.h"
#include "gpu/cpu/woven_weights.h"
#include "gpu/op_check.h"
#include "gpu/plan/rope_table.h"
#include "gpu/segment_clock.h"

namespace mneme {
namespace {

constexpr int kThreadsMax = 256;
constexpr std::int64_t kFewTokens = 8;  // in a step whose phases are short

using Clock = std::chrono::steady_clock;

// A step as kernels see it: its tokens as rows, and its output tokens.
struct KernelSteps {
  std::vector<KernelRun> token_runs, output_runs;
  KernelStep tokens, outputs;

  void set(const StepParams& step) {
    token_runs.clear();
    output_runs.clear();
    std::int64_t first = 0;
    auto output = step.outputs.begin();
    for (const SequenceRun& run : step.runs) {
      token_runs.push_back({first, run.tokens, run.position, run.sequence});
      first += run.tokens;
      const auto end =
          std::find_if(output, step.outputs.end(), [&](std::int32_t t) { return t >= first; });
      if (end != output) {
        output_runs.push_back({output - step.outputs.begin(), end - output, 0, run.sequence});
      }
      output = end;
    }
    const auto count = [](const auto& list) { return static_cast<std::int64_t>(list.size()); };
    tokens = {step.tokens.data(), nullptr, count(step.tokens), token_runs.data(),
              count(token_runs)};
    outputs = {nullptr, step.outputs.data(), count(step.outputs), output_runs.data(),
               count(output_runs)};
  }
};

// What all threads need to run one segment.
struct SegmentRun {
  ThreadPool& pool;
  CpuPlan& plan;
  std::size_t segment;
  const KernelSteps& steps;
  const std::atomic<bool>* cancel;

  const KernelStep& step_of(const Phase& phase) const {
    return phase.output_rows ? steps.outputs : steps.tokens;
  }
};

std::int64_t items_of(const Phase& phase, const KernelStep& step) {
  if (step.rows == 0) return 0;
  if (phase.by_token) return step.rows * phase.items_of_row;
  return phase.count_items ? phase.count_items(phase.args, step) : phase.items;
}

// Items that a thread takes at a time.
std::int64_t chunk_of(const Phase& phase, const KernelStep& step) {
  return step.rows < kFewTokens ? phase.chunk : phase.chunk_of_many;
}

std::int64_t pieces_of(const Phase& phase, const KernelStep& step) {
  const std::int64_t chunk = chunk_of(phase, step);
  return (items_of(phase, step) + chunk - 1) / chunk;
}

// A thread's share of phases [first, end): it takes items and runs every phase on them in turn.
void run_by_token(const SegmentRun& run, int thread, std::size_t first, std::size_t end,
                  unsigned char* scratch) {
  const std::vector<Phase>& phases = run.plan.phases_;
  const KernelStep& step = run.step_of(phases[first]);  // and of the others
  const std::int64_t items = items_of(phases[first], step);
  // The others' would cut the items elsewhere.
  const std::int64_t chunk = chunk_of(phases[first], step);
  const std::int64_t pieces = pieces_of(phases[first], step);
  for (;;) {
    const std::int64_t piece = run.pool.take(thread, pieces);
    if (piece < 0 || is_set(run.cancel)) return;
    const std::int64_t begin = piece * chunk;
    const std::int64_t stop = std::min(items, begin + chunk);
    for (std::size_t p = first; p < end; ++p) {
      phases[p].kernel(phases[p].args, step, begin, stop, scratch);
    }
  }
}

// A thread's share of independent phases: it takes pieces of any.
void run_independent(const SegmentRun& run, int thread, std::size_t first, std::size_t end,
                     unsigned char* scratch) {
  const std::vector<Phase>& phases = run.plan.phases_;
  const auto pieces_of_phase = [&](std::size_t p) {
    return pieces_of(phases[p], run.step_of(phases[p]));
  };
  std::int64_t pieces = 0;
  for (std::size_t p = first; p < end; ++p) pieces += pieces_of_phase(p);
  for (;;) {
    std::int64_t piece = run.pool.take(thread, pieces);
    if (piece < 0 || is_set(run.cancel)) return;
    std::size_t p = first;
    for (; piece >= pieces_of_phase(p); ++p) piece -= pieces_of_phase(p);
    const KernelStep& step = run.step_of(phases[p]);
    const std::int64_t chunk = chunk_of(phases[p], step);
    const std::int64_t begin = piece * chunk;
    const std::int64_t end_item = std::min(items_of(phases[p], step), begin + chunk);
    phases[p].kernel(phases[p].args, step, begin, end_item, scratch);
  }
}

// Phase by phase, so that each op's time is its own.
void run_timed(const SegmentRun& run, int thread, unsigned char* scratch) {
  auto before = Clock::now();
  const std::size_t first = run.plan.first_group_[run.segment];
  const std::size_t end = run.plan.first_group_[run.segment + 1];
  for (std::size_t b = first; b < end; ++b) {
    for (std::size_t p = run.plan.groups_[b].first; p < run.plan.groups_[b].end; ++p) {
      run_by_token(run, thread, p, p + 1, scratch);
      run.pool.barrier();
      if (thread > 0) continue;
      const auto now = Clock::now();
      run.plan.times_.add(run.plan.phases_[p].op,
                          std::chrono::duration<double, std::micro>(now - before).count());
      before = now;
    }
  }
}

// One thread's part of a segment. After a cancel the groups are still walked through, without
// work, so that every thread comes to every barrier.
void run_segment(void* context, int thread) {
  const SegmentRun& run = *static_cast<SegmentRun*>(context);
  auto* scratch = reinterpret_cast<unsigned char*>(
      run.plan.scratch_ + static_cast<std::size_t>(thread) * run.plan.scratch_bytes_);
  if (run.plan.timing_) return run_timed(run, thread, scratch);
  const std::size_t end = run.plan.first_group_[run.segment + 1];
  for (std::size_t b = run.plan.first_group_[run.segment]; b < end; ++b) {
    const BarrierGroup& group = run.plan.groups_[b];
    if (group.by_token) {
      run_by_token(run, thread, group.first, group.end, scratch);
    } else {
      run_independent(run, thread, group.first, group.end, scratch);
    }
    run.pool.barrier();
  }
}

std::string_view label_of(std::string_view set) {
  return set == "avx512" ? "AVX-512 VNNI" : set == "avx2" ? "AVX2" : "scalar";
}

class CpuBackend final : public Backend {
 public:
  CpuBackend(const Kernels& kernels, int threads)
      : kernels_(kernels), pool_(threads), threads_(threads), weaver_(kernels, pool_) {}

  const Status& started() const { return pool_.started(); }

  std::string_view name() const override { return "cpu"; }
  std::string description() const override {
    return fmt::format("{}, {}, {} thread{}", cpu_name(), label_of(kernels_.name), pool_.threads(),
                       pool_.threads() == 1 ? "" : "s");
  }
  MemoryInfo memory() const override { return host_memory(); }
  bool supports(const Graph& graph, const Op& op) const override {
    return why_unsupported(graph, op).empty();
  }

  Result<Buffer> alloc(std::size_t bytes, MemoryKind) override { return arena_.alloc(bytes); }

  Result<Buffer> wrap(std::span<const std::byte> mapped) override {
    return Buffer(reinterpret_cast<std::uint64_t>(mapped.data()), mapped.size(), nullptr, nullptr);
  }

  Status upload(Buffer& to, std::size_t offset, std::span<const std::byte> bytes) override {
    CHECK(offset + bytes.size() <= to.size());
    std::memcpy(reinterpret_cast<std::byte*>(to.handle()) + offset, bytes.data(), bytes.size());
    return {};
  }

  Status download(const Buffer& from, std::size_t offset, std::span<std::byte> bytes) override {
    CHECK(offset + bytes.size() <= from.size());
    std::memcpy(bytes.data(), reinterpret_cast<std::byte*>(from.handle()) + offset, bytes.size());
    return {};
  }

  Result<std::unique_ptr<Plan>> compile(const Graph& graph,
                                        const CompileOptions& options) override {
    return compile_for_cpu(graph, options, kernels_, weaver_, pool_.threads());
  }

  void run(Plan& plan, const Segment& segment, const StepParams& step) override {
    auto& cpu_plan = static_cast<CpuPlan&>(plan);
    cpu_plan.limits_.check(step);
    cancelled_ = cancelled_ || is_set(step.cancel);
    if (cancelled_ || step.tokens.empty()) return;
    const auto index = static_cast<std::size_t>(&segment - cpu_plan.segments_.data());
    CHECK(index < cpu_plan.segments_.size());  // one of plan.segments()
    steps_.set(step);
    SegmentRun run{pool_, cpu_plan, index, steps_, step.cancel};
    if (index == 0) {
      clock_.begin_step();
      for (const RopeTable& table : cpu_plan.rope_tables_) {
        fill_rope_rows(table.angles, step.runs, table.rows, table.angles.row_floats());
      }
    }
    const double begin = clock_.now_us();
    const bool few = steps_.tokens.rows < kFewTokens;
    pool_.take_slept();
    pool_.run(run_segment, &run, few ? threads_.threads() : pool_.threads());
    const double took_ns = 1e3 * (clock_.now_us() - begin);
    if (few) threads_.learn(ThreadChoice::Time(std::llround(took_ns)), pool_.take_slept());
    cancelled_ = is_set(step.cancel);
    if (step.timed) clock_.add({0, 0, begin, clock_.now_us()});
    if (cpu_plan.timing_) {
      for (std::size_t i = segment.first_op; i < segment.end_op; ++i) cpu_plan.times_.count_run(i);
    }
  }

  Status finish() override {
    if (!std::exchange(cancelled_, false)) return {};
    return Error{ErrorCode::cancelled, "the step was stopped"};
  }

  std::span<const SegmentTime> segment_times() const override { return clock_.times(); }

  void set_timing(Plan& plan, bool on) override {
    auto& cpu_plan = static_cast<CpuPlan&>(plan);
    cpu_plan.timing_ = on;
    if (on) cpu_plan.times_.clear();
  }

  std::vector<OpTime> times(const Plan& plan) const override {
    return static_cast<const CpuPlan&>(plan).times_.means();
  }

 private:
  const Kernels& kernels_;
  ThreadPool pool_;
  ThreadChoice threads_;  // for steps of few tokens, where barriers are frequent
  Weaver weaver_;
  HostArena arena_;
  SegmentClock clock_;
  KernelSteps steps_;       // of the segment that runs
  bool cancelled_ = false;  // since the last finish()
};

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
  return without_exceptions([&]() -> Result<std::unique_ptr<Backend>> {
    auto backend = std::make_unique<CpuBackend>(kernels_named(name), threads);
    RETURN_IF_ERROR(backend->started());
    return std::unique_ptr<Backend>(std::move(backend));
  });
}

}  // namespace mneme
