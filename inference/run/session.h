// SPDX-License-Identifier: Apache-2.0
// Sequences of tokens that were evaluated, their keys and values, and a compiled plan for each part
// of the model. Feeds the backends step by step, with tokens of one sequence or of several, and
// waits for table rows between segments, and only there. Engine thread.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "engram/table_store.h"
#include "gpu/backend.h"
#include "inference/files/model_source.h"
#include "inference/model/build_graph.h"
#include "inference/model/device_rows.h"
#include "inference/model/kv_cache.h"
#include "inference/model/model_config.h"
#include "inference/model/weights.h"
#include "inference/run/memory_rows.h"
#include "inference/tables/memory_pack.h"
#include "inference/trace/step_log.h"

namespace mneme {

// The parts that sessions share; all outlive them.
struct Model {
  const ModelConfig& config;
  const Weights& weights;
  const MemoryPack* pack = nullptr;   // null = no memory
  TableStore* tables = nullptr;       // null exactly when pack is
  DeviceRows* device_rows = nullptr;  // null = the device keeps no rows
  const Placement& placement;
  // What weights and pack are mapped from; null = memory that nobody else writes to.
  const ModelSource* source = nullptr;
  const GgufFile* pack_file = nullptr;
};

// An io error where a file was changed since it was opened: nothing that was computed from it
// meanwhile counts. Null pointers are passed over.
Status files_unchanged(const ModelSource* model, const GgufFile* pack);

struct SessionOptions {
  std::int64_t context = 0;  // positions of a sequence
  NumericMode mode = NumericMode::fast;
  std::int64_t chunk_tokens = kChunkTokens;  // of prefill: one step
  std::int64_t outputs_max = 32;             // positions of one step that can have logits
  std::size_t sequences = 1;                 // that are kept side by side
};

// What a step adds to a sequence.
struct NextTokens {
  std::size_t sequence = 0;
  std::span<const TokenId> tokens;
  std::int64_t outputs = 1;  // of the last of them
};

// What one step did; valid until the next.
struct StepView {
  std::int64_t position = 0;  // of its first token
  std::int64_t tokens = 0;
  std::int64_t outputs = 0;  // tokens that have logits, the last ones of each sequence
  double wait_us = 0;        // for table rows
  double first_wait_us = 0;  // of that, at the first Engram layer: the later ones hide behind it
  double compute_us = 0;     // the rest
  double asked_us = 0;       // when its rows were asked for, since it began: never above 0
  double total_us = 0;
  std::span<const StepSpan> spans;  // where steps are timed
};

class Session {
 public:
  static Result<std::unique_ptr<Session>> create(const Model& model, const SessionOptions& options);

  std::int64_t length(std::size_t sequence = 0) const { return sequences_[sequence].length; }
  std::int64_t context() const { return options_.context; }
  std::span<const TokenId> tokens(std::size_t sequence = 0) const {
    const Sequence& s = sequences_[sequence];
    return std::span(s.tokens).first(static_cast<std::size_t>(s.length));
  }

  // Memory on or off from here on. What can be reused depends on it: a change rewinds all to 0.
  void set_memory(bool on);
  bool memory_on() const { return memory_ != nullptr; }

  // Whether steps from here on say when their parts ran (StepView::spans).
  void time_steps(bool on) { timed_ = on; }

  // Keeps the first `length` positions.
  void rewind(std::int64_t length, std::size_t sequence = 0);

  // Makes a sequence equal to `tokens`: keeps the longest common prefix (all but the last token
  // at most, so that there are logits), evaluates the rest in chunks. on_step is called after each.
  // `all_outputs`: logits for every evaluated position, in smaller chunks. Errors: io (also: a file
  // was changed), device, cancelled, corrupt (logits are not finite); the sequence then ends at the
  // last whole step.
  using OnStep = std::function<void(const StepView&)>;
  Status sync(std::span<const TokenId> tokens, bool all_outputs, const std::atomic<bool>* cancel,
              const OnStep& on_step, std::size_t sequence = 0);

  // Appends tokens to sequences, no sequence twice, and evaluates them in one step: chunk_tokens at
  // most. What is computed for a sequence is what it would be alone, to the bit on the CPU, within
  // the tolerance of the mode elsewhere. Errors: as sync(); no sequence has grown then.
  Status step(std::span<const NextTokens> next, const std::atomic<bool>* cancel,
              const OnStep& on_step);
  // The same of one token of the first sequence.
  Status step(TokenId token, const std::atomic<bool>* cancel, const OnStep& on_step);

  // --- of the last step --------------------------------------------------------------------------
  std::span<const float> logits(
      std::int64_t output) const;  // [vocab]; output 0 = first that has them
  std::span<const float> last_logits() const;
  // [G] of one token; `token` counts from the step's first.
  std::span<const float> gates(std::size_t slot, std::int64_t token) const;
  std::span<const float> writes(std::size_t slot, std::int64_t token) const;
  RowOutcome outcome(std::size_t slot, std::int64_t token, std::size_t order) const;

 private:
  using Clock = std::chrono::steady_clock;

  // The plans of one part of the model: without memory and with it.
  struct PartPlans {
    Backend* backend = nullptr;
    std::unique_ptr<Plan> plain, memory;
  };
  struct Sequence {
    std::vector<TokenId> tokens;  // the first `length` are evaluated, the rest are being read
    std::int64_t length = 0;
  };
  // Tokens of a sequence, behind those that are evaluated.
  struct Run {
    std::size_t sequence = 0;
    std::int64_t first = 0;
    std::int64_t count = 0;
    std::int64_t outputs = 0;
  };
  Session(const Model& model, const SessionOptions& options) : model_(model), options_(options) {}
  Result<std::unique_ptr<Plan>> compile(std::size_t part, const MemoryPack* pack) const;
  void prefetch(std::span<const Run> runs);
  void begin_step();  // what was asked for last is what this step waits for
  Status read_rest(std::size_t sequence, bool all_outputs, const std::atomic<bool>* cancel,
                   const OnStep& on_step);
  Status run_parts(std::span<const Run> runs, const std::atomic<bool>* cancel);
  Status run(std::span<const Run> runs, const std::atomic<bool>* cancel);
  Status run_part(std::size_t index, const StepParams& params);
  Status wait_for(WaitId id, std::size_t part, const std::atomic<bool>* cancel);
  void add_spans(std::size_t part, const Plan& plan, double begin_us);
  double now_us() const;  // since the step began
  void give_up_step();    // and what was asked for

  const Model model_;
  const SessionOptions options_;
  KvCache cache_;
  StepBuffers io_;
  std::vector<PartPlans> parts_;  // as the model's placement
  std::unique_ptr<MemoryRows> memory_;  // null = memory off or absent

  std::vector<Sequence> sequences_;
  StepLists step_;  // reused
  StepView last_;
  Clock::time_point step_start_;
  bool timed_ = false;
  std::vector<StepSpan> spans_;  // of the last step
};

}  // namespace mneme
