// SPDX-License-Identifier: Apache-2.0
// Turns what a session just did into trace records and counts tiers on the way. Engine thread.
#pragma once

#include <cstdint>
#include <optional>

#include "inference/run/generate.h"
#include "inference/run/kept_records.h"
#include "inference/run/sampler.h"
#include "inference/run/session.h"
#include "inference/trace/trace_log.h"
#include "inference/trace/trace_record.h"

namespace mneme {

class TraceRecorder {
 public:
  // Every token's record goes to `kept`, and to `log` where that is not null.
  TraceRecorder(const Session& session, const TraceShape& shape, KeptRecords& kept, TraceLog* log)
      : session_(session), shape_(shape), kept_(kept), log_(log) {}

  struct Token {
    TokenSource source = TokenSource::raw_prompt;
    bool sampled = false;
    const TokenProbabilities* probabilities = nullptr;  // null = not computed
    double sample_us = 0;
    bool in_log = true;  // false: an earlier answer put it there
  };
  // The `index`-th token of the session's last step.
  void record(const StepView& step, std::int64_t index, const Token& token);
  // A token of the prompt that is in the KV cache already: the record of its evaluation.
  void repeat(std::int64_t position, TokenSource source);
  // Tiers of all tokens of a step, recorded or not.
  void count(const StepView& step);

  std::uint64_t ngrams(Tier tier) const { return ngrams_[static_cast<std::size_t>(tier)]; }
  double wait_us() const { return wait_us_; }
  EventIndex next_event() const { return log_ != nullptr ? log_->size() : 0; }

 private:
  void add_times(const StepView& step, std::int64_t index);

  const Session& session_;
  const TraceShape shape_;
  KeptRecords& kept_;
  TraceLog* const log_;
  TraceRecordWriter writer_;
  std::array<std::uint64_t, kTierCount> ngrams_{};
  double wait_us_ = 0;
  std::int64_t timed_position_ = -1;  // of the step whose times are in the log
};

}  // namespace mneme
