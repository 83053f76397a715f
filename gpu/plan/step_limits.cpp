// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/step_limits.h"

#include <algorithm>
#include <limits>

#include "base/check.h"
#include "gpu/op_table.h"

namespace mneme {

StepLimits StepLimits::of(const Graph& graph, const CompileOptions& options) {
  CHECK(options.tokens_max >= 1 && options.outputs_max >= 0 && options.sequences_max >= 1);
  StepLimits limits;
  limits.tokens_max = options.tokens_max;
  limits.outputs_max = options.outputs_max;
  limits.sequences_max = options.sequences_max;
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
        const auto rows = static_cast<std::size_t>(options.sequences_max * x.rows);
        CHECK(x.offset + rows * row_bytes(x.dtype, x.cols) <= x.buffer->size());
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
  for (const TokenId id : step.tokens) CHECK(id >= 0 && id < vocab);
  std::int64_t in_runs = 0;
  for (std::size_t i = 0; i < step.runs.size(); ++i) {
    const SequenceRun& run = step.runs[i];
    CHECK(run.tokens > 0 && run.sequence >= 0 && run.sequence < sequences_max);
    CHECK(run.position >= 0 && run.position + run.tokens <= positions_max);
    for (std::size_t k = 0; k < i; ++k) CHECK(step.runs[k].sequence != run.sequence);
    in_runs += run.tokens;
  }
  CHECK(in_runs == tokens);
  CHECK(static_cast<std::int64_t>(step.outputs.size()) <= outputs_max);
  std::int32_t before = -1;
  for (const std::int32_t output : step.outputs) {
    CHECK(output > before && output < tokens);
    before = output;
  }
  CHECK(step.ngrams >= 0 && step.ngrams <= ngrams_max);
}

OutputRows OutputRows::of(const Graph& graph) {
  OutputRows rows;
  rows.tensors.assign(graph.tensors.size(), false);
  for (const Op& op : graph.ops) {
    bool some = false;
    bool all = true;
    for (const TensorId id : op.in) {
      if (id == kNoTensor) continue;
      const Tensor& x = graph.tensor(id);
      if (x.role == TensorRole::constant || x.role == TensorRole::state) continue;
      some = some || rows.tensors[id];
      all = all && rows.tensors[id];
    }
    CHECK(!some || (all && op_info(op.kind).any_rows));
    rows.ops.push_back(some || op.kind == OpKind::output_rows);
    for (const TensorId id : {op.out, op.out2}) {
      if (id != kNoTensor) rows.tensors[id] = rows.ops.back();
    }
  }
  return rows;
}

}  // namespace mneme
