// SPDX-License-Identifier: Apache-2.0
// How the next token is picked. Plain data: stored with chats, set in the window and on the command
// line. Order of application: repetition penalty, temperature, top-k, top-p, min-p.
#pragma once

#include <algorithm>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace mneme {

struct SamplerOptions {
  float temperature = 0.7f;             // 0 = greedy
  std::int32_t top_k = 40;              // 0 = off
  float top_p = 0.95f;                  // 1 = off
  float min_p = 0.05f;                  // 0 = off; share of the best token's probability
  float repetition_penalty = 1.1f;      // 1 = off
  std::int32_t repetition_window = 64;  // last tokens that the penalty looks at
  std::optional<std::uint64_t> seed;    // none = a fresh one each answer, recorded with it
  std::vector<std::string> stops = {};  // the reply ends in front of the first of these
  friend bool operator==(const SamplerOptions&, const SamplerOptions&) = default;
};

// A setting that is a number: its name in files, what people call it, and the values it may have.
struct SamplerField {
  std::string_view name;
  std::string_view label;
  double least = 0;
  double most = 0;

  template <class Number>
  bool allows(Number value) const {  // not a number: no
    return value >= static_cast<Number>(least) && value <= static_cast<Number>(most);
  }
  template <class Number>
  Number nearest(double value) const {
    return static_cast<Number>(std::clamp(value, least, most));
  }
};

namespace sampler_fields {
inline constexpr SamplerField kTemperature{"temperature", "Temperature", 0, 10};
inline constexpr SamplerField kTopK{"top_k", "Top-k", 0, 1'000'000};
inline constexpr SamplerField kTopP{"top_p", "Top-p", 0.01, 1};
inline constexpr SamplerField kMinP{"min_p", "Min-p", 0, 1};
inline constexpr SamplerField kRepetitionPenalty{"repetition_penalty", "Repetition penalty", 0.1,
                                                 10};
inline constexpr SamplerField kRepetitionWindow{"repetition_window", "Repetition window", 0,
                                                1'000'000};
}  // namespace sampler_fields

// Calls visit(field, value) for each of them. `Options` is SamplerOptions or const SamplerOptions.
template <class Options, class Visitor>
void visit_sampler(Options& options, Visitor&& visit) {
  visit(sampler_fields::kTemperature, options.temperature);
  visit(sampler_fields::kTopK, options.top_k);
  visit(sampler_fields::kTopP, options.top_p);
  visit(sampler_fields::kMinP, options.min_p);
  visit(sampler_fields::kRepetitionPenalty, options.repetition_penalty);
  visit(sampler_fields::kRepetitionWindow, options.repetition_window);
}

}  // namespace mneme
