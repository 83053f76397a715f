// SPDX-License-Identifier: Apache-2.0
// A graph as recorded command buffers. What changes from step to step lies in one piece of memory
// that the host writes: token ids, position, angles, how attention is split, and how many
// workgroups each dispatch has. There is one recording for each range of tokens (Variant), because
// products of few and of many tokens are made in different ways. Built by compile(), used from the
// engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "gpu/backend.h"
#include "gpu/op_times.h"
#include "gpu/plan/rope_table.h"
#include "gpu/plan/step_limits.h"
#include "gpu/step.h"
#include "gpu/vulkan/memory.h"
#include "gpu/vulkan/programs.h"
#include "gpu/vulkan/push.h"
#include "gpu/vulkan/transfer.h"

namespace mneme {

// How many workgroups a dispatch has in a step of `rows` rows, which are of these runs and whose
// attention takes the positions in `splits` parts.
struct VulkanGrid {
  enum class Kind : std::uint8_t {
    values,  // a lane a value: `width` values a row, `lanes` lanes a workgroup
    rows,    // `width` workgroups a row
    few,     // a workgroup for each `lanes` of `width` outputs and every `tokens` rows
    tiles,   // the same, with outputs along x and rows along y
    runs,    // `width` workgroups for every `tokens` rows of a sequence
    splits,  // `width` workgroups a row and split
    joins,   // `width` workgroups a row where there is more than one split, else none
  };
  Kind kind = Kind::values;
  std::uint32_t width = 0;
  std::uint32_t lanes = 1;
  std::uint32_t tokens = 1;

  VkDispatchIndirectCommand groups(std::uint32_t rows, std::uint32_t splits,
                                   std::span<const SequenceRun> runs) const;
};

// Memory that a dispatch reads or writes.
struct VulkanRange {
  std::uint64_t begin = 0;  // device addresses
  std::uint64_t end = 0;
  bool writes = false;
};

struct VulkanDispatch {
  VkPipeline pipeline = VK_NULL_HANDLE;
  VulkanPush push;
  VulkanGrid grid;
  std::vector<VulkanRange> ranges;
  std::size_t op = 0;  // index into Graph::ops
};

class VulkanPlan final : public Plan {
 public:
  explicit VulkanPlan(std::shared_ptr<VulkanDevice> device) : device_(std::move(device)) {}
  ~VulkanPlan() override;
  VulkanPlan(const VulkanPlan&) = delete;
  VulkanPlan& operator=(const VulkanPlan&) = delete;

  std::span<const Segment> segments() const override { return segments_; }
  std::size_t memory_bytes() const override {
    return activations_.size() + constants_.size() + step_.size();
  }

  // Before a step's first segment.
  void write_step(const StepParams& step);
  // Makes the dispatches that have not begun have no workgroups. Best effort, while work runs.
  void stop_step();
  VkCommandBuffer commands(std::size_t segment) const;

  Status start_timing();                // records with timestamps, the first time
  void add_times(std::size_t segment);  // of a segment that ran while timing
  // Of segments that ran in a step that was not timed, from the first one's beginning on; none
  // where the device keeps no time.
  std::vector<SegmentTime> segment_times(std::span<const std::size_t> ran) const;

  struct RopeTable {
    RopeAngles angles;
    std::size_t offset = 0;  // bytes into step_
  };
  struct Variant {
    std::int64_t tokens_max = 0;
    bool splits = false;  // attention may be split; with many tokens there is enough to do
    std::vector<VulkanDispatch> dispatches;
    std::vector<std::size_t> first;      // of each segment, and one past the last
    std::size_t groups_offset = 0;       // bytes into step_: a VkDispatchIndirectCommand each
    std::vector<VkCommandBuffer> plain;  // of each segment
    std::vector<VkCommandBuffer> timed;
    VkQueryPool queries = VK_NULL_HANDLE;          // [dispatches + segments]: of `timed`
    VkQueryPool segment_queries = VK_NULL_HANDLE;  // [segments, 2]: of `plain`
  };

  const std::shared_ptr<VulkanDevice> device_;
  VkPipelineLayout layout_ = VK_NULL_HANDLE;
  std::vector<Segment> segments_;
  std::vector<Variant> variants_;  // by rising tokens_max
  std::vector<RopeTable> rope_tables_;
  std::size_t outputs_offset_ = 0;      // bytes into step_: the output tokens
  std::uint32_t attention_groups_ = 0;  // of the attention that has the fewest, a row, unsplit
  std::uint32_t groups_wanted_ = 0;     // VulkanShape
  Buffer activations_;
  Buffer constants_;  // that shaders want in an order of their own
  Buffer step_;
  VulkanMemory::Place step_place_;
  StepLimits limits_;
  std::size_t variant_ = 0;  // of the present step
  bool timing_ = false;
  OpTimes times_;

  Status record(Variant& variant, bool timed);

 private:
  Result<VkQueryPool> make_queries(std::size_t count);
  std::vector<std::uint64_t> read_stamps(VkQueryPool queries, std::size_t first,
                                         std::size_t count) const;
  double microseconds(std::uint64_t from, std::uint64_t to) const;  // between stamps
  Status record_segment(const Variant& variant, std::size_t segment, VkCommandBuffer commands,
                        bool timed);
};

struct VulkanCompiler {
  std::shared_ptr<VulkanDevice> device;
  std::shared_ptr<VulkanMemory> memory;
  VulkanTransfer& transfer;
  VulkanPrograms& programs;
};

// Empty when the device can run the op, else why not.
std::string why_not_on_vulkan(const Graph& graph, const Op& op);

// Errors: unsupported, naming the op; out_of_memory; device.
Result<std::unique_ptr<Plan>> compile_for_vulkan(const Graph& graph, const CompileOptions& options,
                                                 const VulkanCompiler& with);

}  // namespace mneme
