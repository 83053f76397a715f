// SPDX-License-Identifier: Apache-2.0
// How the next token is picked. Plain data: stored with chats, set in the window and on the command
// line. Order of application: repetition penalty, temperature, top-k, top-p, min-p.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
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

}  // namespace mneme
