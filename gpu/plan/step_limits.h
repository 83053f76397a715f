// SPDX-License-Identifier: Apache-2.0
// What a plan can be asked for, derived from its graph: every backend checks each step against it.
#pragma once

#include <cstdint>
#include <vector>

#include "gpu/backend.h"
#include "gpu/graph.h"

namespace mneme {

struct StepLimits {
  std::int64_t tokens_max = 0;
  std::int64_t outputs_max = 0;
  std::int64_t sequences_max = 0;
  std::int64_t positions_max = 0;  // rows of the shortest state that has one a position
  std::int64_t ngrams_max = 0;     // rows of the smallest input that has one an n-gram; 0 = none
  std::int64_t vocab = 0;          // rows of the smallest embedding table

  static StepLimits of(const Graph& graph, const CompileOptions& options);
  void check(const StepParams& step) const;  // CHECKs: sessions never ask for more
};

// What has a row for each output token of a step, not for every token: what output_rows makes and
// what is computed from that.
struct OutputRows {
  std::vector<bool> tensors;  // by TensorId
  std::vector<bool> ops;      // by place in Graph::ops

  // CHECKs that no op reads rows of both kinds, and that an op which must see every token does.
  static OutputRows of(const Graph& graph);
};

}  // namespace mneme
