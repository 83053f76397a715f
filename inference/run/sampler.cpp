// SPDX-License-Identifier: Apache-2.0
#include "inference/run/sampler.h"

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstddef>
#include <cstring>
#include <limits>
#include <utility>

#include "base/check.h"
#include "inference/settings/setting.h"
#include "inference/settings/settings.h"

namespace mneme {
namespace {

constexpr float kMinusInfinity = -std::numeric_limits<float>::infinity();

// Four floats at a time, by the compilers' vector extension: every x86-64 and ARM has that, and no
// intrinsics are needed. A vocabulary of 150,000 tokens is summed once a token; std::exp would cost
// a tenth of a small model's step.
constexpr std::size_t kLanes = 4;
using Floats [[gnu::vector_size(4 * kLanes)]] = float;
using Ints [[gnu::vector_size(4 * kLanes)]] = std::int32_t;

Floats load(const float* from) {
  Floats values;
  std::memcpy(&values, from, sizeof values);
  return values;
}

// exp for arguments <= 0, relative error below 3e-7: a degree-6 polynomial on [-ln2/2, ln2/2] and a
// shift of the exponent.
Floats exp_negative(Floats x) {
  x = x > -87.0f ? x : Floats{} - 87.0f;
  // Adding 1.5 * 2^23 rounds to the nearest integer, which then sits in the low mantissa bits.
  constexpr float kRound = 12582912.0f;
  const Floats shifted = x * 1.44269504f + kRound;
  const Floats n = shifted - kRound;
  const Floats r = (x - n * 0.693359375f) + n * 2.12194440e-4f;
  Floats p = r * 1.38888889e-3f + 8.33333333e-3f;
  p = p * r + 4.16666667e-2f;
  p = p * r + 1.66666667e-1f;
  p = p * r + 0.5f;
  p = p * r + 1.0f;
  p = p * r + 1.0f;
  Ints bits;
  std::memcpy(&bits, &shifted, sizeof bits);
  bits = (bits << 23) + (127 << 23);
  Floats power;
  std::memcpy(&power, &bits, sizeof power);
  return p * power;
}

// Four accumulators, so that one addition need not wait for the one before.
constexpr std::size_t kStep = 4 * kLanes;

float largest(std::span<const float> values) {
  float max = kMinusInfinity;
  const std::size_t whole = values.size() / kStep * kStep;
  std::array<Floats, 4> lanes;
  lanes.fill(Floats{} + max);
  for (std::size_t i = 0; i < whole; i += kStep) {
    for (std::size_t j = 0; j < 4; ++j) {
      const Floats next = load(values.data() + i + j * kLanes);
      lanes[j] = lanes[j] > next ? lanes[j] : next;
    }
  }
  for (const Floats& lane : lanes) {
    for (std::size_t k = 0; k < kLanes; ++k) max = std::max(max, lane[k]);
  }
  for (std::size_t i = whole; i < values.size(); ++i) max = std::max(max, values[i]);
  return max;
}

// `max` is the largest of the logits.
float log_sum_exp(std::span<const float> logits, float max) {
  const std::size_t whole = logits.size() / kStep * kStep;
  std::array<Floats, 4> lanes{};
  for (std::size_t i = 0; i < whole; i += kStep) {
    for (std::size_t j = 0; j < 4; ++j) {
      lanes[j] += exp_negative(load(logits.data() + i + j * kLanes) - max);
    }
  }
  double sum = 0;
  for (const Floats& lane : lanes) {
    for (std::size_t k = 0; k < kLanes; ++k) sum += lane[k];
  }
  for (std::size_t i = whole; i < logits.size(); ++i) sum += std::exp(logits[i] - max);
  return max + static_cast<float>(std::log(sum));
}

}  // namespace

float log_sum_exp(std::span<const float> logits) {
  CHECK(!logits.empty());
  return log_sum_exp(logits, largest(logits));
}

TokenProbabilities token_probabilities(std::span<const float> logits, TokenId token) {
  CHECK(token >= 0 && static_cast<std::size_t>(token) < logits.size());
  TokenProbabilities result;
  constexpr std::size_t kBlock = 256;
  std::vector<float> block_max;  // of each block of logits
  block_max.reserve(logits.size() / kBlock + 1);
  for (std::size_t first = 0; first < logits.size(); first += kBlock) {
    block_max.push_back(largest(logits.subspan(first, std::min(kBlock, logits.size() - first))));
  }
  const float total = log_sum_exp(logits, largest(block_max));
  result.log_prob = logits[static_cast<std::size_t>(token)] - total;

  const int want = static_cast<int>(std::min<std::size_t>(kTraceTopTokens, logits.size()));
  std::array<float, kTraceTopTokens> best;
  best.fill(kMinusInfinity);
  int count = 0;
  const auto offer = [&](std::size_t i) {
    const float logit = logits[i];
    if (count == want && !(logit > best[static_cast<std::size_t>(want - 1)])) return;
    int at = count < want ? count++ : want - 1;
    for (; at > 0 && logit > best[static_cast<std::size_t>(at - 1)]; --at) {
      best[static_cast<std::size_t>(at)] = best[static_cast<std::size_t>(at - 1)];
      result.top_tokens[static_cast<std::size_t>(at)] =
          result.top_tokens[static_cast<std::size_t>(at - 1)];
    }
    best[static_cast<std::size_t>(at)] = logit;
    result.top_tokens[static_cast<std::size_t>(at)] = static_cast<TokenId>(i);
  };
  // Whole blocks are passed over by their largest value: nearly all of them.
  for (std::size_t block = 0; block < block_max.size(); ++block) {
    if (count == want && !(block_max[block] > best[static_cast<std::size_t>(want - 1)])) continue;
    const std::size_t end = std::min((block + 1) * kBlock, logits.size());
    for (std::size_t i = block * kBlock; i < end; ++i) offer(i);
  }
  result.top_count = static_cast<std::uint8_t>(count);
  for (int i = 0; i < count; ++i) {
    result.top_log_probs[static_cast<std::size_t>(i)] = best[static_cast<std::size_t>(i)] - total;
  }
  return result;
}

Status check_sampler_options(const SamplerOptions& options) {
  Settings settings;
  settings.chat.sampling = options;
  for (const Setting& setting : all_settings()) {
    if (setting.page != SettingPage::sampling) continue;
    RETURN_IF_ERROR(check_setting(setting, setting.of(settings)));
  }
  return {};
}

Sampler::Sampler(const SamplerOptions& options, std::uint64_t seed, std::vector<TokenId> suppressed)
    : options_(options), random_(seed), suppressed_(std::move(suppressed)) {}

// Divides positive and multiplies negative logits of recent tokens, as the CTRL paper does.
void Sampler::apply_penalty(std::span<const TokenId> history) {
  if (options_.repetition_penalty == 1.0f) return;
  const auto window =
      std::min(history.size(), static_cast<std::size_t>(options_.repetition_window));
  std::vector<TokenId> recent(history.end() - static_cast<std::ptrdiff_t>(window), history.end());
  std::sort(recent.begin(), recent.end());
  recent.erase(std::unique(recent.begin(), recent.end()), recent.end());
  for (const TokenId token : recent) {
    if (token < 0 || static_cast<std::size_t>(token) >= logits_.size()) continue;
    float& logit = logits_[static_cast<std::size_t>(token)];
    logit = logit > 0 ? logit / options_.repetition_penalty : logit * options_.repetition_penalty;
    // A tiny penalty must not make an infinity: differences of two would not be numbers.
    logit = std::min(logit, std::numeric_limits<float>::max());
  }
}

// Fills candidates_ with the tokens that top-k allows, best first.
void Sampler::keep_best() {
  candidates_.clear();
  const auto better = [](const Candidate& a, const Candidate& b) {
    return a.logit != b.logit ? a.logit > b.logit : a.token < b.token;
  };
  const auto k = options_.top_k > 0 ? static_cast<std::size_t>(options_.top_k) : logits_.size();
  if (k < logits_.size()) {
    // A heap of the k best so far, its worst on top: one pass, almost every logit loses at once.
    for (std::size_t i = 0; i < logits_.size(); ++i) {
      if (candidates_.size() == k) {
        if (!(logits_[i] > candidates_.front().logit)) continue;
        std::pop_heap(candidates_.begin(), candidates_.end(), better);
        candidates_.pop_back();
      }
      candidates_.push_back({static_cast<TokenId>(i), logits_[i]});
      std::push_heap(candidates_.begin(), candidates_.end(), better);
    }
  } else {
    for (std::size_t i = 0; i < logits_.size(); ++i)
      candidates_.push_back({static_cast<TokenId>(i), logits_[i]});
  }
  std::sort(candidates_.begin(), candidates_.end(), better);
  while (candidates_.back().logit == kMinusInfinity) candidates_.pop_back();
}

TokenId Sampler::pick(std::span<const float> logits, std::span<const TokenId> history) {
  CHECK(!logits.empty());
  logits_.assign(logits.begin(), logits.end());
  apply_penalty(history);
  for (const TokenId token : suppressed_) {
    if (static_cast<std::size_t>(token) < logits_.size())
      logits_[static_cast<std::size_t>(token)] = kMinusInfinity;
  }
  if (options_.temperature == 0) {
    const auto best = std::find(logits_.begin(), logits_.end(), largest(logits_));
    return static_cast<TokenId>(best - logits_.begin());
  }
  keep_best();

  const double best = candidates_.front().logit;
  std::vector<double> weights;
  weights.reserve(candidates_.size());
  double total = 0;
  for (const Candidate& candidate : candidates_) {
    weights.push_back(std::exp((candidate.logit - best) / options_.temperature));
    total += weights.back();
  }
  // top-p, then min-p: both keep a prefix of the sorted list, and always its first token.
  double kept = 0;
  std::size_t count = 0;
  while (count < weights.size()) {
    if (count > 0 &&
        (kept >= options_.top_p * total || weights[count] < options_.min_p * weights[0]))
      break;
    kept += weights[count++];
  }
  double at = std::uniform_real_distribution<double>(0, kept)(random_);
  for (std::size_t i = 0; i + 1 < count; ++i) {
    at -= weights[i];
    if (at < 0) return candidates_[i].token;
  }
  return candidates_[count - 1].token;
}

}  // namespace mneme
