// SPDX-License-Identifier: Apache-2.0
#include "inference/run/trace_recorder.h"

#include <algorithm>
#include <cstring>
#include <vector>

#include "base/half.h"

namespace mneme {

void TraceRecorder::record(const StepView& step, std::int64_t index, const Token& token) {
  writer_.begin(shape_);
  TraceHeader& header = writer_.header();
  header.source = token.source;
  header.sampled = token.sampled ? 1 : 0;
  header.position = static_cast<std::uint32_t>(step.position + index);
  header.token = session_.tokens()[static_cast<std::size_t>(step.position + index)];
  header.wait_us = static_cast<std::uint32_t>(step.wait_us / static_cast<double>(step.tokens));
  header.compute_us =
      static_cast<std::uint32_t>(step.compute_us / static_cast<double>(step.tokens));
  header.sample_us = static_cast<std::uint32_t>(token.sample_us);
  if (const TokenProbabilities* p = token.probabilities) {
    header.log_prob = p->log_prob;
    header.top_count = p->top_count;
    header.top_tokens = p->top_tokens;
    for (std::size_t i = 0; i < p->top_count; ++i) {
      header.top_log_probs[i] = float_to_half(p->top_log_probs[i]);
    }
  }
  for (int layer = 0; layer < shape_.layers; ++layer) {
    const auto slot = static_cast<std::size_t>(layer);
    writer_.set_layer(layer, session_.gates(slot, index), session_.writes(slot, index));
    for (int order = 0; order < shape_.orders; ++order) {
      const RowOutcome outcome = session_.outcome(slot, index, static_cast<std::size_t>(order));
      writer_.set_tier(layer, order, outcome.tier, outcome.latency_us);
    }
  }
  const std::span<const std::byte> bytes = writer_.finish();
  kept_.set(step.position + index, bytes);
  if (log_ == nullptr || !token.in_log) return;
  if (step.position != timed_position_) add_times(step, index);
  log_->append(bytes);
}

void TraceRecorder::repeat(std::int64_t position, TokenSource source) {
  if (log_ == nullptr) return;
  const std::span<const std::byte> kept = kept_.at(position);
  TraceHeader header;
  std::memcpy(&header, kept.data(), sizeof header);
  header.source = source;
  header.sampled = 0;  // whoever picked it, here it was read
  header.sample_us = 0;
  std::vector<std::byte> bytes(kept.begin(), kept.end());
  std::memcpy(bytes.data(), &header, sizeof header);
  log_->append(bytes);
}

// Of the step whose first record, of its `index`-th token, comes next.
void TraceRecorder::add_times(const StepView& step, std::int64_t index) {
  timed_position_ = step.position;
  const EventIndex first = log_->size();
  log_->steps().add({.first = first,
                     .end = first + static_cast<EventIndex>(step.tokens - index),
                     .asked_us = static_cast<float>(step.asked_us),
                     .total_us = static_cast<float>(step.total_us),
                     .spans = {step.spans.begin(), step.spans.end()}});
}

void TraceRecorder::count(const StepView& step) {
  wait_us_ += step.wait_us;
  for (int layer = 0; layer < shape_.layers; ++layer) {
    for (std::int64_t token = 0; token < step.tokens; ++token) {
      for (int order = 0; order < shape_.orders; ++order) {
        const RowOutcome outcome = session_.outcome(static_cast<std::size_t>(layer), token,
                                                    static_cast<std::size_t>(order));
        ++ngrams_[static_cast<std::size_t>(outcome.tier)];
      }
    }
  }
}

}  // namespace mneme
