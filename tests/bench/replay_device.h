// SPDX-License-Identifier: Apache-2.0
// Replays a stream of n-grams through the policy that decides which rows a device caches, without a
// model or a device: the share of look-ups whose rows need no transfer. The first half warms up,
// the second is counted.
#pragma once

#include <cstdint>

#include "engram/bench/key_stream.h"

namespace mneme {

struct DeviceShare {
  double cached = 0;              // of all look-ups: on the device from an earlier step
  double repeated = 0;            // transferred before in the same step
  double ngrams_transferred = 0;  // a token
  double ns_per_ngram = 0;    // what deciding costs, of a processor
  double total() const { return cached + repeated; }
};

// `ngram_bytes`: of all heads and layers. `step_tokens`: 1 as an answer is made, else as a prompt
// is read.
DeviceShare replay_device(const KeyStream& stream, std::uint64_t ngram_bytes, std::uint64_t budget,
                          std::size_t step_tokens);

}  // namespace mneme
