// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/vulkan_plan.h"

#include <algorithm>
#include <atomic>
#include <cstring>

#include "base/check.h"
#include "gpu/plan/rope_table.h"
#include "gpu/vulkan/choices.h"

namespace mneme {
namespace {

constexpr std::uint32_t kGroupsMax = 65535;       // along one axis, on every device
constexpr std::uint32_t kValueGroupsMax = 16384;  // lanes then take several values

std::uint32_t divided(std::uint32_t a, std::uint32_t b) {
  return (a + b - 1) / b;
}

// What shaders/common.glsl calls Step: this, then tokens.
struct StepHeader {
  std::uint32_t tokens, outputs, split_positions, splits;
};
struct StepToken {
  std::uint32_t id, position, sequence, first;
};

// Keeps what was touched since the last barrier and says when another is needed.
class Hazards {
 public:
  bool clash(const std::vector<VulkanRange>& ranges) {
    const auto overlaps = [&](const VulkanRange& a) {
      return std::any_of(open_.begin(), open_.end(), [&](const VulkanRange& b) {
        return (a.writes || b.writes) && a.begin < b.end && b.begin < a.end;
      });
    };
    const bool clash = std::any_of(ranges.begin(), ranges.end(), overlaps);
    if (clash) open_.clear();
    open_.insert(open_.end(), ranges.begin(), ranges.end());
    return clash;
  }

 private:
  std::vector<VulkanRange> open_;
};

}  // namespace

VkDispatchIndirectCommand VulkanGrid::groups(std::uint32_t rows, std::uint32_t splits,
                                             std::span<const SequenceRun> runs) const {
  if (rows == 0) return {0, 0, 0};
  switch (kind) {
    case Kind::values:
      return {std::min(kValueGroupsMax, divided(rows * width, lanes)), 1, 1};
    case Kind::rows:
      return {rows, width, 1};
    case Kind::few: {
      const std::uint32_t groups = divided(width, lanes);
      const std::uint32_t x = std::min(groups, kGroupsMax);
      return {x, divided(groups, x), divided(rows, tokens)};
    }
    case Kind::tiles:
      return {divided(width, lanes), divided(rows, tokens), 1};
    case Kind::runs: {
      std::uint32_t tiles = 0;
      for (const SequenceRun& run : runs) {
        tiles += divided(static_cast<std::uint32_t>(run.tokens), tokens);
      }
      return {width, tiles, 1};
    }
    case Kind::splits:
      return {width, rows, splits};
    case Kind::joins:
      if (splits == 1) return {0, 0, 0};
      return {width, rows, 1};
  }
  return {0, 0, 0};
}

VulkanPlan::~VulkanPlan() {
  if (device_->busy()) (void)device_->wait();  // the next finish() tells of a failure, too
  const VulkanApi& api = device_->api();
  for (const Variant& variant : variants_) {
    for (const auto* list : {&variant.plain, &variant.timed}) {
      if (list->empty()) continue;
      api.FreeCommandBuffers(device_->handle(), device_->command_pool(),
                             static_cast<std::uint32_t>(list->size()), list->data());
    }
    api.DestroyQueryPool(device_->handle(), variant.queries, nullptr);
    api.DestroyQueryPool(device_->handle(), variant.segment_queries, nullptr);
  }
}

void VulkanPlan::write_step(const StepParams& step) {
  const auto tokens = static_cast<std::int64_t>(step.tokens.size());
  variant_ = 0;
  while (variants_[variant_].tokens_max < tokens) ++variant_;
  const Variant& variant = variants_[variant_];
  std::byte* base = step_.host().data();
  const auto word = [](auto value) { return static_cast<std::uint32_t>(value); };
  std::int64_t length = 1;  // of the longest sequence
  std::uint32_t first = 0;
  for (const SequenceRun& run : step.runs) {
    length = std::max(length, run.position + run.tokens);
    for (std::uint32_t t = 0; t < word(run.tokens); ++t) {
      const StepToken token{word(step.tokens[first + t]), word(run.position) + t,
                            word(run.sequence), first};
      std::memcpy(base + sizeof(StepHeader) + (first + t) * sizeof token, &token, sizeof token);
    }
    first += word(run.tokens);
  }
  StepHeader header{word(tokens), word(step.outputs.size()), word(length), 1};
  if (variant.splits) {
    header.split_positions =
        split_positions(word(length), header.tokens * attention_groups_, groups_wanted_);
    header.splits = divided(word(length), header.split_positions);
  }
  std::memcpy(base, &header, sizeof header);
  std::ranges::copy(std::as_bytes(step.outputs), base + outputs_offset_);
  for (const RopeTable& table : rope_tables_) {
    fill_rope_rows(table.angles, step.runs, reinterpret_cast<float*>(base + table.offset),
                   table.angles.row_floats());
  }
  std::byte* groups = base + variant.groups_offset;
  for (const VulkanDispatch& dispatch : variant.dispatches) {
    const bool of_outputs = (dispatch.push.flags & 1u) != 0;
    const VkDispatchIndirectCommand command =
        dispatch.grid.groups(of_outputs ? header.outputs : header.tokens, header.splits, step.runs);
    std::memcpy(groups, &command, sizeof command);
    groups += sizeof command;
  }
}

void VulkanPlan::stop_step() {
  const Variant& variant = variants_[variant_];
  auto* words = reinterpret_cast<std::uint32_t*>(step_.host().data() + variant.groups_offset);
  // One axis is enough, and the one whose number no shader reads: a driver may give a workgroup that
  // runs already what is written here now.
  for (std::size_t i = 0; i < variant.dispatches.size(); ++i) {
    std::atomic_ref(words[3 * i + 1]).store(0, std::memory_order_relaxed);
  }
}

VkCommandBuffer VulkanPlan::commands(std::size_t segment) const {
  const Variant& variant = variants_[variant_];
  return timing_ ? variant.timed[segment] : variant.plain[segment];
}

Result<VkQueryPool> VulkanPlan::make_queries(std::size_t count) {
  VkQueryPoolCreateInfo info{VK_STRUCTURE_TYPE_QUERY_POOL_CREATE_INFO};
  info.queryType = VK_QUERY_TYPE_TIMESTAMP;
  info.queryCount = static_cast<std::uint32_t>(count);
  VkQueryPool queries = VK_NULL_HANDLE;
  const VkResult result =
      device_->api().CreateQueryPool(device_->handle(), &info, nullptr, &queries);
  if (result != VK_SUCCESS) return device_->error(result, "making room for timestamps");
  return queries;
}

Status VulkanPlan::record(Variant& variant, bool timed) {
  const VulkanApi& api = device_->api();
  std::vector<VkCommandBuffer>& list = timed ? variant.timed : variant.plain;
  if (device_->physical().timestamp_bits > 0) {
    auto queries =
        make_queries(timed ? variant.dispatches.size() + segments_.size() : 2 * segments_.size());
    if (!queries) return queries.error();
    (timed ? variant.queries : variant.segment_queries) = *queries;
  }
  std::vector<VkCommandBuffer> fresh(segments_.size());
  VkCommandBufferAllocateInfo info{VK_STRUCTURE_TYPE_COMMAND_BUFFER_ALLOCATE_INFO};
  info.commandPool = device_->command_pool();
  info.level = VK_COMMAND_BUFFER_LEVEL_PRIMARY;
  info.commandBufferCount = static_cast<std::uint32_t>(fresh.size());
  const VkResult result = api.AllocateCommandBuffers(device_->handle(), &info, fresh.data());
  if (result != VK_SUCCESS) return device_->error(result, "making command buffers");
  list = std::move(fresh);
  for (std::size_t s = 0; s < segments_.size(); ++s) {
    RETURN_IF_ERROR(record_segment(variant, s, list[s], timed));
  }
  return {};
}

Status VulkanPlan::record_segment(const Variant& variant, std::size_t segment,
                                  VkCommandBuffer commands, bool timed) {
  const VulkanApi& api = device_->api();
  VkCommandBufferBeginInfo begin{VK_STRUCTURE_TYPE_COMMAND_BUFFER_BEGIN_INFO};
  VkResult result = api.BeginCommandBuffer(commands, &begin);
  if (result != VK_SUCCESS) return device_->error(result, "recording a step");
  const auto barrier = [&](VkPipelineStageFlags from, VkPipelineStageFlags to,
                           VkAccessFlags access) {
    VkMemoryBarrier memory{VK_STRUCTURE_TYPE_MEMORY_BARRIER};
    memory.srcAccessMask = VK_ACCESS_SHADER_WRITE_BIT;
    memory.dstAccessMask = access;
    api.CmdPipelineBarrier(commands, from, to, 0, 1, &memory, 0, nullptr, 0, nullptr);
  };
  constexpr VkPipelineStageFlags kCompute = VK_PIPELINE_STAGE_COMPUTE_SHADER_BIT;
  constexpr VkAccessFlags kShader = VK_ACCESS_SHADER_READ_BIT | VK_ACCESS_SHADER_WRITE_BIT;
  const std::size_t end = variant.first[segment + 1];
  // Timestamps of a segment: one at its start, one behind it or, timed, behind each dispatch.
  const VkQueryPool queries = timed ? variant.queries : variant.segment_queries;
  auto query = static_cast<std::uint32_t>(timed ? variant.first[segment] + segment : 2 * segment);
  const auto stamp = [&] {
    if (queries == VK_NULL_HANDLE) return;
    api.CmdWriteTimestamp(commands, VK_PIPELINE_STAGE_BOTTOM_OF_PIPE_BIT, queries, query++);
  };
  if (queries != VK_NULL_HANDLE) {
    const std::size_t count = timed ? end - variant.first[segment] + 1 : 2;
    api.CmdResetQueryPool(commands, queries, query, static_cast<std::uint32_t>(count));
  }
  barrier(kCompute, kCompute, kShader);  // behind the segment before
  stamp();
  Hazards hazards;
  for (std::size_t i = variant.first[segment]; i < end; ++i) {
    const VulkanDispatch& dispatch = variant.dispatches[i];
    if (hazards.clash(dispatch.ranges) || timed) barrier(kCompute, kCompute, kShader);
    api.CmdBindPipeline(commands, VK_PIPELINE_BIND_POINT_COMPUTE, dispatch.pipeline);
    api.CmdPushConstants(commands, layout_, VK_SHADER_STAGE_COMPUTE_BIT, 0, sizeof dispatch.push,
                         &dispatch.push);
    api.CmdDispatchIndirect(
        commands, step_place_.buffer,
        step_place_.offset + variant.groups_offset + i * sizeof(VkDispatchIndirectCommand));
    if (timed) stamp();
  }
  if (!timed) stamp();
  barrier(kCompute, VK_PIPELINE_STAGE_HOST_BIT, VK_ACCESS_HOST_READ_BIT);
  result = api.EndCommandBuffer(commands);
  if (result != VK_SUCCESS) return device_->error(result, "recording a step");
  return {};
}

Status VulkanPlan::start_timing() {
  if (device_->physical().timestamp_bits == 0) return {};  // then there are no times
  for (Variant& variant : variants_) {
    if (variant.timed.empty()) RETURN_IF_ERROR(record(variant, true));
  }
  times_.clear();
  timing_ = true;
  return {};
}

std::vector<std::uint64_t> VulkanPlan::read_stamps(VkQueryPool queries, std::size_t first,
                                                   std::size_t count) const {
  std::vector<std::uint64_t> stamps(count);
  const VkResult result = device_->api().GetQueryPoolResults(
      device_->handle(), queries, static_cast<std::uint32_t>(first),
      static_cast<std::uint32_t>(count), count * sizeof stamps[0], stamps.data(), sizeof stamps[0],
      VK_QUERY_RESULT_64_BIT);
  if (result != VK_SUCCESS) stamps.clear();
  return stamps;
}

double VulkanPlan::microseconds(std::uint64_t from, std::uint64_t to) const {
  const std::uint32_t bits = device_->physical().timestamp_bits;
  const std::uint64_t mask = bits >= 64 ? ~std::uint64_t{0} : (std::uint64_t{1} << bits) - 1;
  return static_cast<double>((to - from) & mask) * device_->physical().timestamp_ns / 1e3;
}

std::vector<SegmentTime> VulkanPlan::segment_times(std::span<const std::size_t> ran) const {
  const VkQueryPool queries = variants_[variant_].segment_queries;
  std::vector<SegmentTime> times;
  std::uint64_t zero = 0;
  for (const std::size_t segment : ran) {
    if (queries == VK_NULL_HANDLE) return {};
    const std::vector<std::uint64_t> stamps = read_stamps(queries, 2 * segment, 2);
    if (stamps.empty()) return {};
    if (times.empty()) zero = stamps[0];
    times.push_back({0, 0, microseconds(zero, stamps[0]), microseconds(zero, stamps[1])});
  }
  return times;
}

void VulkanPlan::add_times(std::size_t segment) {
  const Variant& variant = variants_[variant_];
  const std::size_t first = variant.first[segment];
  const std::size_t count = variant.first[segment + 1] - first;
  const std::vector<std::uint64_t> stamps =
      read_stamps(variant.queries, first + segment, count + 1);
  if (stamps.empty()) return;
  for (std::size_t i = 0; i < count; ++i) {
    const std::size_t op = variant.dispatches[first + i].op;
    times_.add(op, microseconds(stamps[i], stamps[i + 1]));
    // An op's dispatches lie side by side; one that another's dispatch also makes has no time.
    if (i == 0 || op != variant.dispatches[first + i - 1].op) times_.count_run(op);
  }
}

}  // namespace mneme
