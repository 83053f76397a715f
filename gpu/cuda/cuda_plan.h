// SPDX-License-Identifier: Apache-2.0
// A graph as lists of kernel calls, recorded once as CUDA graphs. A recording is made for a number
// of tokens and outputs, rounded up (StepSize); what a step really has lies in device memory that
// kernels read, so a recording never changes. Built by compile(), used from the engine thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "gpu/backend.h"
#include "gpu/cuda/cuda_choices.h"
#include "gpu/cuda/cuda_device_context.h"
#include "gpu/cuda/cuda_library.h"
#include "gpu/op_times.h"
#include "gpu/plan/rope_table.h"
#include "gpu/plan/step_limits.h"

namespace mneme {

struct PlannedCall {
  CudaCall call;
  std::size_t op = 0;  // index into Graph::ops
};

// The calls of every segment for one size of a step.
struct CudaVariant {
  StepSize size;
  std::vector<PlannedCall> calls;
  std::vector<std::size_t> first;  // of each segment, and one past the last
  std::vector<CudaGraph*> graphs;  // of each segment; null until first run
};

// What a segment copies: a graph's tensor with host memory.
struct CudaTransfer {
  CudaTensor tensor;
  bool output_rows = false;
  std::byte* host = nullptr;
};

class CudaPlan final : public Plan {
 public:
  CudaPlan(std::shared_ptr<CudaDeviceContext> device,
           std::shared_ptr<const CudaMatrixLibrary> library)
      : device_(std::move(device)), library_(std::move(library)) {}
  ~CudaPlan() override;
  CudaPlan(const CudaPlan&) = delete;
  CudaPlan& operator=(const CudaPlan&) = delete;

  std::span<const Segment> segments() const override { return segments_; }
  std::size_t memory_bytes() const override { return memory_.size() + step_.size(); }

  // The smallest variant that holds the step.
  CudaVariant& variant_for(const StepParams& step);
  // Before a step's first segment: ids, position and angles go to the device.
  int write_step(const StepParams& step);
  // Each returns the runtime's error number.
  int begin_times();
  int copy_inputs(std::size_t segment, const StepParams& step);
  int run_segment(CudaVariant& variant, std::size_t segment);
  int run_timed(const CudaVariant& variant, std::size_t segment);
  int end_segment(std::size_t segment);  // of a timed step
  int copy_outputs(std::size_t segment, const StepParams& step);
  // After the step is done.
  int add_times();
  int segment_times(std::size_t ran, std::vector<SegmentTime>& times) const;

  struct RopeTable {
    RopeAngles angles;
    std::size_t offset = 0;  // bytes into a token's record in step_
  };

  const std::shared_ptr<CudaDeviceContext> device_;
  const std::shared_ptr<const CudaMatrixLibrary> library_;  // null: there is none
  std::vector<Segment> segments_;
  std::vector<std::vector<CudaTransfer>> inputs_;   // [segments]
  std::vector<std::vector<CudaTransfer>> outputs_;  // [segments]
  std::vector<CudaEvent*> copied_;                  // [segments]: its inputs are on the device
  // Of timed steps, made at the first: the step's beginning, then of each segment the beginning of
  // its copies and its end.
  std::vector<CudaEvent*> timestamps_;
  std::vector<CudaVariant> variants_;  // by rising size
  std::vector<RopeTable> rope_tables_;
  Buffer memory_;  // activations, scratch, small constants as floats
  Buffer step_;    // CudaStep, output tokens, a record for each token
  std::size_t records_ = 0;  // bytes into step_
  std::size_t record_bytes_ = 0;
  StepLimits limits_;

  bool timing_ = false;
  std::vector<CudaEvent*> events_;      // of timed calls
  std::vector<std::size_t> timed_ops_;  // of this step; call i lies between events 2i and 2i + 1
  OpTimes times_;
};

constexpr std::size_t kCudaOutputs = 64;  // bytes into step_: the output tokens

// Errors: unsupported, naming the op; out_of_memory; device.
Result<std::unique_ptr<Plan>> compile_for_cuda(const Graph& graph, const CompileOptions& options,
                                               std::shared_ptr<CudaDeviceContext> device,
                                               std::shared_ptr<const CudaMatrixLibrary> library);

}  // namespace mneme
