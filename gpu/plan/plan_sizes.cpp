// SPDX-License-Identifier: Apache-2.0
#include "gpu/plan/plan_sizes.h"

#include "base/check.h"

namespace mneme {

PlanSizes::PlanSizes(const Graph& graph, const CompileOptions& options)
    : graph_(graph), limits_(StepLimits::of(graph, options)), rows_(OutputRows::of(graph)) {
  for (TensorId id = 0; id < graph.tensors.size(); ++id) {
    const Tensor& x = graph.tensor(id);
    if (x.role != TensorRole::input && x.role != TensorRole::output) continue;
    CHECK(x.offset + bytes_of(id) <= x.buffer->size());
  }
}

std::int64_t PlanSizes::rows_of(TensorId id) const {
  const Tensor& x = graph_.tensor(id);
  const bool own = x.role == TensorRole::constant || x.role == TensorRole::state ||
                   (x.role == TensorRole::input && x.rows > 0);
  return own ? x.depth * x.rows : most(is_of_outputs(id));
}

std::size_t PlanSizes::bytes_of(TensorId id) const {
  const Tensor& x = graph_.tensor(id);
  return static_cast<std::size_t>(rows_of(id)) * row_bytes(x.dtype, x.cols);
}

}  // namespace mneme
