// SPDX-License-Identifier: Apache-2.0
// What changes from step to step: which tokens, of which sequences, at which positions, and of
// which of them logits are wanted. A compiled plan never changes.
#pragma once

#include <atomic>
#include <cstdint>
#include <span>
#include <vector>

#include "base/ids.h"

namespace mneme {

// Tokens of one sequence, side by side in a step.
struct SequenceRun {
  std::int64_t tokens = 0;    // at least 1
  std::int64_t position = 0;  // of the first: the sequence's states hold rows 0..position-1
  std::int64_t sequence = 0;  // whose states, below CompileOptions::sequences_max
};

struct StepParams {
  std::span<const TokenId> tokens;        // T ids, T <= tokens_max
  std::span<const SequenceRun> runs;      // of all tokens, in their order; no sequence twice
  std::span<const std::int32_t> outputs;  // O output tokens: places among the tokens, rising
  // Set by the user's stop from another thread: the backend may leave the step unfinished, within
  // a few milliseconds; finish() then says cancelled, and of each run's states the rows from its
  // position on are garbage.
  const std::atomic<bool>* cancel = nullptr;
  std::int64_t ngrams = 0;  // rows of inputs that have one an n-gram: no more are copied
  bool timed = false;       // segment_times() is asked for: a few microseconds of a device's step
};

// The lists of a step, for those who run one.
struct StepLists {
  std::vector<TokenId> tokens;
  std::vector<SequenceRun> runs;
  std::vector<std::int32_t> outputs;

  void clear();
  // Adds a run; its last `count` tokens are output tokens.
  void add(std::span<const TokenId> ids, std::int64_t position, std::int64_t sequence,
           std::int64_t count);
  StepParams params() const { return {tokens, runs, outputs}; }
};

}  // namespace mneme
