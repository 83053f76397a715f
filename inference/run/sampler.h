// SPDX-License-Identifier: Apache-2.0
// Picks the next token from logits and keeps what it saw: the pick's probability and the most
// probable tokens. Deterministic for a seed.
#pragma once

#include <array>
#include <cstdint>
#include <random>
#include <span>
#include <vector>

#include "base/ids.h"
#include "base/result.h"
#include "inference/run/sampler_options.h"
#include "inference/trace/trace_record.h"

namespace mneme {

// Log-probabilities of the model itself: before penalty and temperature.
struct TokenProbabilities {
  float log_prob = 0;  // of the token asked about
  std::uint8_t top_count = 0;
  std::array<TokenId, kTraceTopTokens> top_tokens{};  // most probable first
  std::array<float, kTraceTopTokens> top_log_probs{};
};

// log(sum(exp(logits))), within 1e-5 of the exact value.
float log_sum_exp(std::span<const float> logits);

// The eight best tokens and the log-probability of `token`.
TokenProbabilities token_probabilities(std::span<const float> logits, TokenId token);

class Sampler {
 public:
  // `seed` is used as it is; options.seed is the caller's business. `suppressed`: tokens that are
  // never picked; not all there are.
  Sampler(const SamplerOptions& options, std::uint64_t seed, std::vector<TokenId> suppressed = {});

  // `history`: the tokens so far, for the repetition penalty.
  TokenId pick(std::span<const float> logits, std::span<const TokenId> history);

 private:
  struct Candidate {
    TokenId token;
    float logit;
  };
  void apply_penalty(std::span<const TokenId> history);
  void keep_best();

  SamplerOptions options_;
  std::mt19937_64 random_;
  std::vector<TokenId> suppressed_;
  std::vector<float> logits_;
  std::vector<Candidate> candidates_;
};

// Checks ranges; invalid says which value and what is allowed.
Status check_sampler_options(const SamplerOptions& options);

}  // namespace mneme
