// SPDX-License-Identifier: Apache-2.0
// A graph bound to memory and kernels: a list of phases, each one kernel over a range of items, in
// groups with a barrier of all threads between them. Built by compile(), used from the engine
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cpu/barrier_groups.h"
#include "gpu/cpu/kernels.h"
#include "gpu/cpu/woven_weights.h"
#include "gpu/op_times.h"
#include "gpu/plan/rope_table.h"
#include "gpu/plan/step_limits.h"

namespace mneme {

struct Phase {
  Kernel kernel = nullptr;
  KernelArgs args;
  bool output_rows = false;  // its rows are the step's output tokens
  // How many items a step has: one a row, or a fixed number, or what the kernel says.
  bool by_token = true;
  std::int64_t items_of_row = 1;
  std::int64_t items = 0;
  std::int64_t (*count_items)(const KernelArgs& args, const KernelStep& step) = nullptr;
  // Items that a thread takes at a time, in a step of few tokens and in one of many.
  std::int64_t chunk = 1;
  std::int64_t chunk_of_many = 1;
  std::size_t op = 0;  // index into Graph::ops
};

// cos and sin of position times frequency, once a step for all ops that turn alike.
struct RopeTable {
  RopeAngles angles;
  float* rows = nullptr;  // [tokens_max, dims]: cosines, then sines
};

class CpuPlan final : public Plan {
 public:
  std::span<const Segment> segments() const override { return segments_; }
  std::size_t memory_bytes() const override { return memory_.size(); }

  std::vector<Segment> segments_;
  std::vector<std::size_t> first_group_;  // of each segment, and one past the last
  std::vector<BarrierGroup> groups_;
  std::vector<Phase> phases_;
  std::vector<RopeTable> rope_tables_;
  std::vector<std::shared_ptr<const WovenArena>> woven_;
  Buffer memory_;                 // activations, small constants as floats, rope tables, scratch
  std::byte* scratch_ = nullptr;  // [threads, scratch_bytes_]
  std::size_t scratch_bytes_ = 0;
  StepLimits limits_;

  bool timing_ = false;
  OpTimes times_;
};

// Errors: unsupported, naming the op; out_of_memory.
Result<std::unique_ptr<Plan>> compile_for_cpu(const Graph& graph, const CompileOptions& options,
                                              const Kernels& kernels, Weaver& weaver, int threads);

}  // namespace mneme
