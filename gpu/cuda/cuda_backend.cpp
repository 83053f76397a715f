// SPDX-License-Identifier: Apache-2.0
#include "gpu/cuda/cuda_backend.h"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "base/check.h"
#include "gpu/cuda/cuda_choices.h"
#include "gpu/cuda/cuda_device_context.h"
#include "gpu/cuda/cuda_library.h"
#include "gpu/cuda/cuda_plan.h"
#include "gpu/segment_clock.h"

namespace mneme {
namespace {

// What cudaGetDeviceCount says where there is nothing to use.
constexpr int kDriverTooOld = 35;  // also: no driver at all
constexpr int kNoDevice = 100;

std::string driver_text(std::int32_t version) {
  return fmt::format("CUDA {}.{}", version / 1000, version % 1000 / 10);
}

// How many devices there are. Errors: unsupported.
Result<int> count_devices(const Result<const CudaApi*>& module) {
  if (!module) return module.error();
  int count = 0;
  const int error = (*module)->device_count(&count);
  if (error == 0 && count > 0) return count;
  if (error == kDriverTooOld) {
    return Error{ErrorCode::unsupported,
                 "there is no NVIDIA driver, or one older than CUDA 13 needs (version 580)"};
  }
  if (error == kNoDevice || error == 0) {
    return Error{ErrorCode::unsupported, "there is no NVIDIA device"};
  }
  return Error{ErrorCode::unsupported,
               fmt::format("the NVIDIA driver does not answer: {} (CUDA error {})",
                           (*module)->error_text(error), error)};
}

class CudaBackend final : public Backend {
 public:
  explicit CudaBackend(std::shared_ptr<CudaDeviceContext> device)
      : device_(std::move(device)), library_(CudaMatrixLibrary::open(device_)) {}

  std::string_view name() const override { return "cuda"; }
  std::string description() const override {
    return fmt::format("{} ({})", device_->about().name, driver_text(device_->about().driver));
  }
  MemoryInfo memory() const override {
    MemoryInfo info;
    info.total_bytes = device_->about().total_bytes;
    info.held_max_bytes = device_->held_max_bytes();
    if (device_->api().memory(device_->context(), &info.free_bytes, &info.total_bytes) != 0) {
      info.free_bytes = 0;  // a lost device has no room
    }
    return info;
  }
  std::int64_t chunk_tokens() const override { return kChunkTokensMax; }
  bool supports(const Graph& graph, const Op& op) const override {
    return why_not_on_cuda(graph, op).empty();
  }

  Result<Buffer> alloc(std::size_t bytes, MemoryKind kind) override {
    return kind == MemoryKind::host_visible ? device_->alloc_mirrored(bytes)
                                            : device_->alloc(bytes, true);
  }

  Result<Buffer> wrap(std::span<const std::byte> mapped) override {
    auto buffer = device_->alloc(mapped.size(), false);
    if (!buffer) return buffer;
    RETURN_IF_ERROR(device_->upload(*buffer, 0, mapped));
    return buffer;
  }

  Status upload(Buffer& to, std::size_t offset, std::span<const std::byte> bytes) override {
    return device_->upload(to, offset, bytes);
  }
  Status download(const Buffer& from, std::size_t offset, std::span<std::byte> bytes) override {
    return device_->download(from, offset, bytes);
  }

  Result<std::unique_ptr<Plan>> compile(const Graph& graph,
                                        const CompileOptions& options) override {
    return compile_for_cuda(graph, options, device_, library_);
  }

  void run(Plan& plan, const Segment& segment, const StepParams& step) override {
    auto& cuda_plan = static_cast<CudaPlan&>(plan);
    cuda_plan.limits_.check(step);
    cancelled_ = cancelled_ || is_set(step.cancel);
    if (cancelled_ || !failed_ || step.tokens.empty()) return;
    const auto index = static_cast<std::size_t>(&segment - cuda_plan.segments_.data());
    CHECK(index < cuda_plan.segments_.size());  // one of plan.segments()
    if (index == 0) {
      // A step that ended in an error elsewhere may still be running in this memory.
      if (plan_ != nullptr) keep(device_->api().finish(device_->context()), "ending a step");
      cuda_plan.timed_ops_.clear();
      clock_.begin_step();
      ran_ = 0;
      if (step.timed) keep(cuda_plan.begin_times(), "beginning a step");
      keep(cuda_plan.write_step(step), "beginning a step");
    }
    plan_ = &cuda_plan;
    timed_ = step.timed;
    if (!failed_) return;
    keep(cuda_plan.copy_inputs(index, step), "copying table rows");
    CudaVariant& variant = cuda_plan.variant_for(step);
    keep(cuda_plan.timing_ ? cuda_plan.run_timed(variant, index)
                           : cuda_plan.run_segment(variant, index),
         "computing");
    if (step.timed) keep(cuda_plan.end_segment(index), "computing");
    keep(cuda_plan.copy_outputs(index, step), "copying results");
    ++ran_;
  }

  Status finish() override {
    CudaPlan* plan = std::exchange(plan_, nullptr);
    const bool cancelled = std::exchange(cancelled_, false);
    if (plan != nullptr) keep(device_->api().finish(device_->context()), "computing");
    if (plan != nullptr && failed_ && plan->timing_) keep(plan->add_times(), "timing");
    if (plan != nullptr && failed_ && timed_) {
      std::vector<SegmentTime> times;
      keep(plan->segment_times(ran_, times), "timing");
      for (const SegmentTime& time : times) clock_.add(time);
      clock_.end_now();
    }
    if (Status failed = std::exchange(failed_, Status()); !failed) return failed;
    if (cancelled) return Error{ErrorCode::cancelled, "the step was stopped"};
    return {};
  }

  std::span<const SegmentTime> segment_times() const override { return clock_.times(); }

  void set_timing(Plan& plan, bool on) override {
    auto& cuda_plan = static_cast<CudaPlan&>(plan);
    cuda_plan.timing_ = on;
    if (on) cuda_plan.times_.clear();
  }

  std::vector<OpTime> times(const Plan& plan) const override {
    return static_cast<const CudaPlan&>(plan).times_.means();
  }

 private:
  // The first failure is told by finish(); nothing more is started before that.
  void keep(int error, std::string_view doing) {
    if (failed_) failed_ = device_->check(error, doing);
  }

  const std::shared_ptr<CudaDeviceContext> device_;
  const std::shared_ptr<const CudaMatrixLibrary> library_;  // null: there is none
  CudaPlan* plan_ = nullptr;                                // of the step under way
  bool cancelled_ = false;                                  // since the last finish()
  bool timed_ = false;                                      // the step under way
  std::size_t ran_ = 0;                                     // segments of it
  SegmentClock clock_;
  Status failed_;
};

}  // namespace

Result<std::unique_ptr<Backend>> open_cuda_backend(const Result<const CudaApi*>& module,
                                                   std::size_t index) {
  const auto count = count_devices(module);
  if (!count) return count.error().with("CUDA cannot be used");
  if (index >= static_cast<std::size_t>(*count)) {
    return Error{ErrorCode::unsupported,
                 fmt::format("there is no CUDA device {}: this machine has {}", index, *count)};
  }
  auto device = CudaDeviceContext::open(**module, static_cast<int>(index));
  if (!device) return device.error();
  return std::unique_ptr<Backend>(std::make_unique<CudaBackend>(std::move(*device)));
}

std::vector<DeviceInfo> list_cuda_devices(const Result<const CudaApi*>& module) {
  const auto count = count_devices(module);
  if (!count) {
    DeviceInfo none;
    none.id = "cuda";
    none.name = "CUDA";
    none.unusable = count.error().message;
    return {none};
  }
  std::vector<DeviceInfo> devices;
  const CudaApi& api = **module;
  const FoundLibrary library = find_cuda_library(api);
  for (int i = 0; i < *count; ++i) {
    DeviceInfo& info = devices.emplace_back();
    info.id = fmt::format("cuda:{}", i);
    info.name = info.id;
    CudaDevice about{};
    if (const int error = api.describe(i, &about); error != 0) {
      info.unusable = fmt::format("it does not answer: {}", api.error_text(error));
      continue;
    }
    info.name = about.name;
    info.driver = fmt::format("{}; {}", driver_text(about.driver), library.says);
    info.total_bytes = about.total_bytes;
    info.unusable = why_unusable(about);
    if (!info.unusable.empty()) continue;
    CudaContext* context = nullptr;
    int error = api.open(i, &context);
    if (error == 0) {
      error = api.memory(context, &info.free_bytes, &info.total_bytes);
      api.close(context);
    }
    if (error != 0) {
      info.unusable = fmt::format("it cannot be opened: {}", api.error_text(error));
    }
  }
  return devices;
}

}  // namespace mneme
