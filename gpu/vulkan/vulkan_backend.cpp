// SPDX-License-Identifier: Apache-2.0
#include "gpu/vulkan/vulkan_backend.h"

#include <fmt/format.h>

#include <cstring>
#include <utility>

#include "base/check.h"
#include "gpu/segment_clock.h"
#include "gpu/vulkan/device.h"
#include "gpu/vulkan/memory.h"
#include "gpu/vulkan/programs.h"
#include "gpu/vulkan/transfer.h"
#include "gpu/vulkan/vulkan_plan.h"

namespace mneme {
namespace {

constexpr std::uint64_t kCancelLookNs = 2'000'000;  // how often finish() looks for a stop

class VulkanBackend final : public Backend {
 public:
  VulkanBackend(std::shared_ptr<VulkanDevice> device, std::unique_ptr<VulkanPrograms> programs)
      : device_(std::move(device)),
        memory_(std::make_shared<VulkanMemory>(device_)),
        transfer_(device_, memory_),
        programs_(std::move(programs)) {}

  std::string_view name() const override { return "vulkan"; }
  std::string description() const override {
    const VulkanPhysicalDevice& device = device_->physical();
    return fmt::format("{} ({}{})", device.name, device.driver,
                       device.integer_dot ? ", integer dot products" : "");
  }
  MemoryInfo memory() const override {
    const VulkanInstance::Heap heap = device_->instance().memory(device_->physical());
    // Without the driver's own estimate: what this program has not taken.
    const std::uint64_t taken = device_->physical().has_memory_budget ? 0 : memory_->taken_bytes();
    return {heap.total_bytes, heap.free_bytes - std::min(heap.free_bytes, taken),
            memory_->taken_max_bytes()};
  }
  std::int64_t chunk_tokens() const override {
    const bool card = device_->physical().type == VK_PHYSICAL_DEVICE_TYPE_DISCRETE_GPU;
    return card ? kChunkTokensMax : kChunkTokens;
  }
  bool supports(const Graph& graph, const Op& op) const override {
    return why_not_on_vulkan(graph, op).empty();
  }

  Result<Buffer> alloc(std::size_t bytes, MemoryKind kind) override {
    const bool host = kind == MemoryKind::host_visible;
    auto buffer = memory_->alloc(bytes, host ? VulkanMemoryUse::host : VulkanMemoryUse::device);
    if (!buffer) return buffer.error();
    if (host) {
      std::memset(buffer->host().data(), 0, bytes);
    } else if (bytes > 0) {
      RETURN_IF_ERROR(transfer_.zero(buffer->handle(), bytes));
    }
    return buffer;
  }

  Result<Buffer> wrap(std::span<const std::byte> mapped) override {
    auto buffer = memory_->alloc(mapped.size(), VulkanMemoryUse::device);
    if (!buffer) return buffer.error();
    RETURN_IF_ERROR(transfer_.upload(buffer->handle(), mapped));
    return buffer;
  }

  Status upload(Buffer& to, std::size_t offset, std::span<const std::byte> bytes) override {
    CHECK(offset + bytes.size() <= to.size());
    if (to.host().empty()) return transfer_.upload(to.handle() + offset, bytes);
    std::memcpy(to.host().data() + offset, bytes.data(), bytes.size());
    return {};
  }

  Status download(const Buffer& from, std::size_t offset, std::span<std::byte> bytes) override {
    CHECK(offset + bytes.size() <= from.size());
    if (from.host().empty()) return transfer_.download(from.handle() + offset, bytes);
    std::memcpy(bytes.data(), from.host().data() + offset, bytes.size());
    return {};
  }

  Result<std::unique_ptr<Plan>> compile(const Graph& graph,
                                        const CompileOptions& options) override {
    return compile_for_vulkan(graph, options, {device_, memory_, transfer_, *programs_});
  }

  void run(Plan& plan, const Segment& segment, const StepParams& step) override {
    auto& vulkan_plan = static_cast<VulkanPlan&>(plan);
    vulkan_plan.limits_.check(step);
    cancelled_ = cancelled_ || is_set(step.cancel);
    if (cancelled_ || step.tokens.empty()) return;
    const auto index = static_cast<std::size_t>(&segment - vulkan_plan.segments_.data());
    CHECK(index < vulkan_plan.segments_.size());  // one of plan.segments()
    if (index == 0) {
      // A step that ended in an error elsewhere may still be running in this memory.
      if (device_->busy()) keep(device_->wait());
      ran_.clear();
      clock_.begin_step();
      vulkan_plan.write_step(step);
    }
    device_->submit(vulkan_plan.commands(index));
    ran_.push_back(index);
    plan_ = &vulkan_plan;
    cancel_ = step.cancel;
    timed_ = step.timed;
  }

  Status finish() override {
    const bool cancelled = std::exchange(cancelled_, false);
    VulkanPlan* plan = std::exchange(plan_, nullptr);
    const std::atomic<bool>* cancel = std::exchange(cancel_, nullptr);
    const bool timed = std::exchange(timed_, false);
    bool stopped = false;
    for (;;) {
      const auto done = device_->wait(cancel != nullptr && !stopped ? kCancelLookNs : ~0ull);
      keep(done);
      if (!done || *done) break;
      if (!is_set(cancel)) continue;
      plan->stop_step();
      stopped = true;
    }
    const std::vector<std::size_t> ran = std::exchange(ran_, {});
    Status first = std::exchange(failed_, Status());
    if (!first) return first;
    if (const std::string said = device_->instance().take_validation_messages(); !said.empty()) {
      return Error{ErrorCode::device, "the validation layer says: " + said};
    }
    if (cancelled || stopped) return Error{ErrorCode::cancelled, "the step was stopped"};
    if (plan == nullptr) return {};
    if (plan->timing_) {
      for (const std::size_t segment : ran) plan->add_times(segment);
    } else if (timed) {
      for (const SegmentTime& time : plan->segment_times(ran)) clock_.add(time);
      clock_.end_now();
    }
    return {};
  }

  std::span<const SegmentTime> segment_times() const override { return clock_.times(); }

  void set_timing(Plan& plan, bool on) override {
    auto& vulkan_plan = static_cast<VulkanPlan&>(plan);
    vulkan_plan.timing_ = false;
    if (on) keep(vulkan_plan.start_timing());
  }

  std::vector<OpTime> times(const Plan& plan) const override {
    return static_cast<const VulkanPlan&>(plan).times_.means();
  }

 private:
  template <class T>
  void keep(const Result<T>& result) {
    if (!result && failed_) failed_ = result.error();
  }

  const std::shared_ptr<VulkanDevice> device_;
  const std::shared_ptr<VulkanMemory> memory_;
  VulkanTransfer transfer_;
  const std::unique_ptr<VulkanPrograms> programs_;
  Status failed_;                              // the first failure since the last finish()
  bool cancelled_ = false;                     // since the last finish()
  VulkanPlan* plan_ = nullptr;                 // that the present step runs on
  const std::atomic<bool>* cancel_ = nullptr;  // of the present step
  std::vector<std::size_t> ran_;               // segments of the present step
  bool timed_ = false;                         // the present step
  SegmentClock clock_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_vulkan_backend(const VulkanLoader& loader,
                                                     const VulkanOptions& options) {
  auto instance = VulkanInstance::open(loader, options.validate);
  if (!instance) return instance.error();
  auto devices = (*instance)->devices();
  if (!devices) return devices.error();
  if (options.index >= devices->size()) {
    return Error{ErrorCode::unsupported,
                 fmt::format("there is no device vulkan:{}: Vulkan shows {}, counted from 0",
                             options.index, devices->size())};
  }
  auto device = VulkanDevice::open(*instance, (*devices)[options.index]);
  if (!device) return device.error();
  auto programs = VulkanPrograms::open(*device, options.cache_folder);
  if (!programs) return programs.error();
  return std::unique_ptr<Backend>(
      std::make_unique<VulkanBackend>(std::move(*device), std::move(*programs)));
}

std::vector<DeviceInfo> list_vulkan_devices(const VulkanLoader& loader, DeviceList which) {
  const auto none = [](std::string reason) {
    DeviceInfo info;
    info.id = "vulkan";
    info.name = "Vulkan";
    info.unusable = std::move(reason);
    return std::vector<DeviceInfo>{std::move(info)};
  };
  auto instance = VulkanInstance::open(loader, false);
  if (!instance) return none(instance.error().message);
  const auto devices = (*instance)->devices();
  if (!devices) return none(devices.error().message);
  std::vector<DeviceInfo> list;
  std::size_t index = 0;
  for (const VulkanPhysicalDevice& device : *devices) {
    const std::string id = fmt::format("vulkan:{}", index++);
    const bool gpu = device.type != VK_PHYSICAL_DEVICE_TYPE_CPU &&
                     device.type != VK_PHYSICAL_DEVICE_TYPE_OTHER;
    if (which == DeviceList::automatic && !gpu) continue;
    const VulkanInstance::Heap heap = (*instance)->memory(device);
    DeviceInfo info;
    info.id = id;
    info.name = device.name;
    info.driver = device.driver;
    info.total_bytes = heap.total_bytes;
    info.free_bytes = heap.free_bytes;
    info.unusable = device.unusable;
    if (info.unusable.empty()) {  // what it says of itself; whether it can be had is another thing
      const auto opened = VulkanDevice::open(*instance, device);
      if (!opened) info.unusable = "it cannot be opened: " + opened.error().message;
    }
    info.automatic = info.unusable.empty() && gpu;
    list.push_back(std::move(info));
  }
  return list;
}

}  // namespace mneme
