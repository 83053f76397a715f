// SPDX-License-Identifier: Apache-2.0
#include "gpu/step_limits.h"

#include <algorithm>
#include <limits>

#include "base/check.h"

namespace mneme {

StepLimits StepLimits::of(const Graph& graph, const CompileOptions& options) {
  CHECK(options.tokens_max >= 1 && options.outputs_max >= 0);
  StepLimits limits;
  limits.tokens_max = options.tokens_max;
  limits.outputs_max = options.outputs_max;
  limits.positions_max = std::numeric_limits<std::int64_t>::max();
  limits.vocab = std::numeric_limits<std::int64_t>::max();
  for (const Op& op : graph.ops) {
    if (op.kind == OpKind::embed) {
      limits.vocab = std::min(limits.vocab, graph.tensor(op.in[0]).rows);
    }
    for (const TensorId id : op.in) {
      if (id == kNoTensor) continue;
      const Tensor& x = graph.tensor(id);
      if (x.role == TensorRole::state && op.kind != OpKind::table_decode) {
        limits.positions_max = std::min(limits.positions_max, x.rows);
      }
      if (x.role == TensorRole::input && x.rows > 0) {
        limits.ngrams_max = limits.ngrams_max == 0 ? x.rows : std::min(limits.ngrams_max, x.rows);
      }
    }
  }
  return limits;
}

void StepLimits::check(const StepParams& step) const {
  const auto tokens = static_cast<std::int64_t>(step.tokens.size());
  CHECK(tokens <= tokens_max);
  CHECK(step.n_outputs >= 0 && step.n_outputs <= std::min(tokens, outputs_max));
  CHECK(step.position >= 0 && step.position + tokens <= positions_max);
  CHECK(step.ngrams >= 0 && step.ngrams <= ngrams_max);
  for (const TokenId id : step.tokens) CHECK(id >= 0 && id < vocab);
}

std::vector<bool> tensors_of_output_rows(const Graph& graph) {
  std::vector<bool> output_rows_only(graph.tensors.size(), false);
  for (const Op& op : graph.ops) {
    if (op.out != kNoTensor) output_rows_only[op.out] = op.output_rows_only;
    if (op.out2 != kNoTensor) output_rows_only[op.out2] = op.output_rows_only;
  }
  for (const Op& op : graph.ops) {
    for (const TensorId id : op.in) {
      if (id != kNoTensor) CHECK(op.output_rows_only || !output_rows_only[id]);
    }
  }
  return output_rows_only;
}

}  // namespace mneme
