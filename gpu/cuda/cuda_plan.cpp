// SPDX-License-Identifier: Apache-2.0
#include "gpu/cuda/cuda_plan.h"

#include <algorithm>
#include <cstring>

#include "base/check.h"
#include "gpu/plan/rope_table.h"

namespace mneme {

#define RETURN_IF_NOT_ZERO(expression)                  \
  do {                                                  \
    if (const int error_ = (expression); error_ != 0) { \
      return error_;                                    \
    }                                                   \
  } while (false)

CudaPlan::~CudaPlan() {
  const CudaApi& api = device_->api();
  CudaContext* context = device_->context();
  for (const CudaVariant& variant : variants_) {
    for (CudaGraph* graph : variant.graphs) {
      if (graph != nullptr) api.free_graph(context, graph);
    }
  }
  for (const auto* events : {&copied_, &timestamps_, &events_}) {
    for (CudaEvent* event : *events) {
      if (event != nullptr) api.free_event(context, event);
    }
  }
}

CudaVariant& CudaPlan::variant_for(const StepParams& step) {
  const auto tokens = static_cast<std::int32_t>(step.tokens.size());
  const auto found = std::find_if(variants_.begin(), variants_.end(), [&](const CudaVariant& v) {
    return (v.size.whole ? v.size.tokens == tokens : v.size.tokens >= tokens) &&
           v.size.outputs >= static_cast<std::int32_t>(step.outputs.size());
  });
  CHECK(found != variants_.end());
  return *found;
}

int CudaPlan::write_step(const StepParams& step) {
  std::byte* host = step_.host().data();
  CudaStep header;
  header.tokens = static_cast<std::int32_t>(step.tokens.size());
  header.outputs = static_cast<std::int32_t>(step.outputs.size());
  header.records = static_cast<std::int64_t>(records_);
  header.record_bytes = static_cast<std::int64_t>(record_bytes_);
  std::memcpy(host, &header, sizeof header);
  std::ranges::copy(std::as_bytes(step.outputs), host + kCudaOutputs);
  std::size_t first = 0;
  for (const SequenceRun& run : step.runs) {
    for (std::size_t t = 0; t < static_cast<std::size_t>(run.tokens); ++t) {
      CudaToken token;
      token.id = step.tokens[first + t];
      token.position = static_cast<std::int32_t>(run.position) + static_cast<std::int32_t>(t);
      token.sequence = static_cast<std::int32_t>(run.sequence);
      token.first = static_cast<std::int32_t>(first);
      std::memcpy(host + records_ + (first + t) * record_bytes_, &token, sizeof token);
    }
    first += static_cast<std::size_t>(run.tokens);
  }
  for (const RopeTable& table : rope_tables_) {
    fill_rope_rows(table.angles, step.runs,
                   reinterpret_cast<float*>(host + records_ + table.offset),
                   record_bytes_ / sizeof(float));
  }
  return device_->api().copy(device_->context(), CudaStream::compute, cuda_pointer(step_), host,
                             records_ + step.tokens.size() * record_bytes_);
}

int CudaPlan::begin_times() {
  const CudaApi& api = device_->api();
  while (timestamps_.size() < 1 + 2 * segments_.size()) {
    CudaEvent* event = nullptr;
    RETURN_IF_NOT_ZERO(api.new_event(device_->context(), &event));
    timestamps_.push_back(event);
  }
  return api.record(device_->context(), CudaStream::compute, timestamps_[0]);
}

// On a stream of its own: the rows of an Engram layer travel while the segment before it computes.
int CudaPlan::copy_inputs(std::size_t segment, const StepParams& step) {
  if (inputs_[segment].empty()) return 0;
  const CudaApi& api = device_->api();
  CudaContext* context = device_->context();
  if (step.timed) {
    RETURN_IF_NOT_ZERO(api.record(context, CudaStream::copy, timestamps_[1 + 2 * segment]));
  }
  for (const CudaTransfer& input : inputs_[segment]) {
    const std::int64_t rows =
        input.tensor.rows > 0 ? step.ngrams : static_cast<std::int64_t>(step.tokens.size());
    if (rows == 0) continue;
    RETURN_IF_NOT_ZERO(api.copy(context, CudaStream::copy, input.tensor.data, input.host,
                                static_cast<std::uint64_t>(rows * input.tensor.stride)));
  }
  RETURN_IF_NOT_ZERO(api.record(context, CudaStream::copy, copied_[segment]));
  return api.wait(context, CudaStream::compute, copied_[segment]);
}

int CudaPlan::run_segment(CudaVariant& variant, std::size_t segment) {
  const std::size_t first = variant.first[segment];
  const std::size_t end = variant.first[segment + 1];
  if (first == end) return 0;
  const CudaApi& api = device_->api();
  CudaContext* context = device_->context();
  CudaGraph*& graph = variant.graphs[segment];
  if (graph == nullptr) {
    RETURN_IF_NOT_ZERO(api.begin_recording(context));
    int failed = 0;
    for (std::size_t c = first; c < end && failed == 0; ++c) {
      failed = api.launch(context, &variant.calls[c].call);
    }
    const int ended = api.end_recording(context, &graph);  // also when a call was refused
    if (failed != 0 || ended != 0) return failed != 0 ? failed : ended;
  }
  return api.run_graph(context, graph);
}

int CudaPlan::run_timed(const CudaVariant& variant, std::size_t segment) {
  const CudaApi& api = device_->api();
  CudaContext* context = device_->context();
  for (std::size_t c = variant.first[segment]; c < variant.first[segment + 1]; ++c) {
    const std::size_t at = 2 * timed_ops_.size();
    while (events_.size() < at + 2) {
      CudaEvent* event = nullptr;
      RETURN_IF_NOT_ZERO(api.new_event(context, &event));
      events_.push_back(event);
    }
    RETURN_IF_NOT_ZERO(api.record(context, CudaStream::compute, events_[at]));
    RETURN_IF_NOT_ZERO(api.launch(context, &variant.calls[c].call));
    RETURN_IF_NOT_ZERO(api.record(context, CudaStream::compute, events_[at + 1]));
    timed_ops_.push_back(variant.calls[c].op);
  }
  return 0;
}

int CudaPlan::end_segment(std::size_t segment) {
  return device_->api().record(device_->context(), CudaStream::compute,
                               timestamps_[2 + 2 * segment]);
}

int CudaPlan::copy_outputs(std::size_t segment, const StepParams& step) {
  for (const CudaTransfer& output : outputs_[segment]) {
    const auto rows =
        static_cast<std::int64_t>(output.output_rows ? step.outputs.size() : step.tokens.size());
    if (rows == 0) continue;
    RETURN_IF_NOT_ZERO(device_->api().copy(
        device_->context(), CudaStream::compute, output.host, output.tensor.data,
        static_cast<std::uint64_t>(rows * output.tensor.stride)));
  }
  return 0;
}

// The first `ran` segments'. One begins where the one before ended and its inputs have come.
int CudaPlan::segment_times(std::size_t ran, std::vector<SegmentTime>& times) const {
  const auto since_begin = [&](CudaEvent* event, double& microseconds) {
    float milliseconds = 0;
    const int error =
        device_->api().elapsed(device_->context(), timestamps_[0], event, &milliseconds);
    microseconds = static_cast<double>(milliseconds) * 1e3;
    return error;
  };
  double last_end = 0;
  for (std::size_t s = 0; s < ran; ++s) {
    SegmentTime time;
    if (!inputs_[s].empty()) {
      RETURN_IF_NOT_ZERO(since_begin(timestamps_[1 + 2 * s], time.copy_begin_us));
      RETURN_IF_NOT_ZERO(since_begin(copied_[s], time.copy_end_us));
    }
    RETURN_IF_NOT_ZERO(since_begin(timestamps_[2 + 2 * s], time.end_us));
    time.begin_us = std::max(last_end, time.copy_end_us);
    last_end = time.end_us;
    times.push_back(time);
  }
  return 0;
}

int CudaPlan::add_times() {
  for (std::size_t c = 0; c < timed_ops_.size(); ++c) {
    float milliseconds = 0;
    RETURN_IF_NOT_ZERO(device_->api().elapsed(device_->context(), events_[2 * c],
                                              events_[2 * c + 1], &milliseconds));
    const std::size_t op = timed_ops_[c];
    times_.add(op, static_cast<double>(milliseconds) * 1e3);
    if (c == 0 || op != timed_ops_[c - 1]) times_.count_run(op);  // an op's calls lie side by side
  }
  timed_ops_.clear();
  return 0;
}

}  // namespace mneme
