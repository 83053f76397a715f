// SPDX-License-Identifier: Apache-2.0
// A device that runs graphs; the CPU is one. Used from the engine thread only after it was opened.
// A graph runs wholly on one backend: an op it does not support is an error of compile(), told with
// the op's name. To add a backend: CONTRIBUTING.md.
#pragma once

#include <atomic>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "gpu/backend_buffer.h"
#include "gpu/graph.h"
#include "gpu/step.h"

namespace mneme {

struct MemoryInfo {
  std::uint64_t total_bytes = 0;
  std::uint64_t free_bytes = 0;
  std::uint64_t held_max_bytes = 0;  // most that this backend held at once; the CPU does not count
};

enum class NumericMode : std::uint8_t {
  // Integer kernels may quantise activations. Against exact logits: cosine at least 0.999, mean
  // KL divergence at most 0.01.
  fast,
  // Activations are float32 everywhere. Against another exact implementation no logit differs by
  // more than 1e-3.
  exact,
};

// Tokens of a prompt that are worth taking in one step: what hides reading the weights. A device
// that computes much faster than it reads wants more.
constexpr std::int64_t kChunkTokens = 128;
constexpr std::int64_t kChunkTokensMax = 512;  // of any device

struct CompileOptions {
  NumericMode mode = NumericMode::fast;
  std::int64_t tokens_max = 1;     // most tokens in one step
  std::int64_t outputs_max = 1;    // most output tokens in one step
  std::int64_t sequences_max = 1;  // states have rows for so many, one behind the other
};

inline bool is_set(const std::atomic<bool>* flag) {
  return flag != nullptr && flag->load(std::memory_order_relaxed);
}

struct OpTime {
  std::size_t op = 0;  // index into Graph::ops
  double microseconds = 0;
};

// When a segment of a step ran, and when what the host laid into its inputs went to the device:
// microseconds since the step's first run(). A device's clock is laid so that its last segment ends
// when finish() hears of it.
struct SegmentTime {
  double copy_begin_us = 0;
  double copy_end_us = 0;  // the same: nothing was copied
  double begin_us = 0;
  double end_us = 0;
};

// A graph made ready for one backend. Keeps a reference to nothing but buffers.
class Plan {
 public:
  virtual ~Plan() = default;
  virtual std::span<const Segment> segments() const = 0;
  virtual std::size_t memory_bytes() const = 0;  // activations and scratch
};

class Backend {
 public:
  virtual ~Backend() = default;
  virtual std::string_view name() const = 0;    // "cpu"
  virtual std::string description() const = 0;  // "AMD EPYC, AVX-512 VNNI, 2 threads"
  virtual MemoryInfo memory() const = 0;
  virtual std::int64_t chunk_tokens() const { return kChunkTokens; }  // at most kChunkTokensMax
  virtual bool supports(const Graph& graph, const Op& op) const = 0;

  virtual Result<Buffer> alloc(std::size_t bytes, MemoryKind kind) = 0;  // zeroed, 64-byte aligned
  // Weights in a mapped file: the CPU aliases them (the mapping must outlive the buffer), a device
  // copies them.
  virtual Result<Buffer> wrap(std::span<const std::byte> mapped) = 0;
  // Copies between the host and any buffer of this backend; returns when the copy is done. Not
  // between run() and finish().
  virtual Status upload(Buffer& to, std::size_t offset, std::span<const std::byte> bytes) = 0;
  virtual Status download(const Buffer& from, std::size_t offset, std::span<std::byte> bytes) = 0;

  virtual Result<std::unique_ptr<Plan>> compile(const Graph& graph,
                                                const CompileOptions& options) = 0;
  // `segment` is one of plan.segments(); may return early.
  virtual void run(Plan& plan, const Segment& segment, const StepParams& step) = 0;
  virtual Status finish() = 0;  // the one place where device errors surface

  // Of the segments that the last step ran, in their order, after finish(); none where it was not
  // timed or the device keeps no time.
  virtual std::span<const SegmentTime> segment_times() const { return {}; }

  // Per-op times of the steps since set_timing(true); costs a clock read an op while on.
  virtual void set_timing(Plan& plan, bool on) = 0;
  virtual std::vector<OpTime> times(const Plan& plan) const = 0;  // mean over steps
};

}  // namespace mneme
