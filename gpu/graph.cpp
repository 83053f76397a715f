// SPDX-License-Identifier: Apache-2.0
#include "gpu/graph.h"

#include <fmt/format.h>

#include <utility>

#include "base/check.h"

namespace mneme {

TensorId GraphBuilder::add_tensor(Tensor tensor) {
  graph_.tensors.push_back(std::move(tensor));
  return static_cast<TensorId>(graph_.tensors.size() - 1);
}

TensorId GraphBuilder::constant(std::string name, DType dtype, std::int64_t rows, std::int64_t cols,
                                const Buffer& buffer, std::size_t offset, std::int64_t depth) {
  CHECK(offset + static_cast<std::size_t>(depth * rows) * row_bytes(dtype, cols) <= buffer.size());
  return add_tensor(
      {std::move(name), dtype, rows, cols, TensorRole::constant, &buffer, offset, depth});
}

TensorId GraphBuilder::state(std::string name, DType dtype, std::int64_t rows, std::int64_t cols,
                             const Buffer& buffer, std::size_t offset) {
  CHECK(offset + static_cast<std::size_t>(rows) * row_bytes(dtype, cols) <= buffer.size());
  return add_tensor({std::move(name), dtype, rows, cols, TensorRole::state, &buffer, offset});
}

TensorId GraphBuilder::input(std::string name, DType dtype, std::int64_t cols, const Buffer& buffer,
                             std::int64_t ngrams_max) {
  return add_tensor({std::move(name), dtype, ngrams_max, cols, TensorRole::input, &buffer, 0});
}

TensorId GraphBuilder::output(std::string name, std::int64_t cols, const Buffer& buffer) {
  return add_tensor({std::move(name), DType::f32, 0, cols, TensorRole::output, &buffer, 0});
}

TensorId GraphBuilder::activation(std::string name, std::int64_t cols) {
  return add_tensor({std::move(name), DType::f32, 0, cols, TensorRole::activation, nullptr, 0});
}

TensorId GraphBuilder::ids(std::string name, std::int64_t cols) {
  return add_tensor({std::move(name), DType::i32, 0, cols, TensorRole::activation, nullptr, 0});
}

TensorId GraphBuilder::unbound(std::string name, TensorRole role, DType dtype, std::int64_t rows,
                               std::int64_t cols, std::int64_t depth) {
  return add_tensor({std::move(name), dtype, rows, cols, role, nullptr, 0, depth});
}

void GraphBuilder::make_output(TensorId activation, std::string name, const Buffer& buffer) {
  Tensor& tensor = graph_.tensors[activation];
  CHECK(tensor.role == TensorRole::activation);
  tensor.name = std::move(name);
  tensor.role = TensorRole::output;
  tensor.buffer = &buffer;
}

void GraphBuilder::begin_segment(std::optional<WaitId> waits_for) {
  if (!graph_.segments.empty()) graph_.segments.back().end_op = graph_.ops.size();
  graph_.segments.push_back(Segment{graph_.ops.size(), graph_.ops.size(), waits_for});
}

void GraphBuilder::op(Op op) {
  CHECK(!graph_.segments.empty());
  for (const TensorId id : op.in) CHECK(id == kNoTensor || id < graph_.tensors.size());
  CHECK(op.out == kNoTensor || op.out < graph_.tensors.size());
  CHECK(op.out2 == kNoTensor || op.out2 < graph_.tensors.size());
  if (op.kind == OpKind::matmul) {
    const Tensor& x = graph_.tensor(op.in[0]);
    const Tensor& weight = graph_.tensor(op.in[1]);
    CHECK(x.cols == weight.cols);
    CHECK(graph_.tensor(op.out).cols == weight.rows);
  }
  graph_.ops.push_back(std::move(op));
}

Graph GraphBuilder::finish() && {
  CHECK(!graph_.segments.empty());
  graph_.segments.back().end_op = graph_.ops.size();
  return std::move(graph_);
}

std::string to_text(const Graph& graph) {
  std::string text;
  std::size_t segment = 0;
  for (std::size_t i = 0; i < graph.ops.size(); ++i) {
    if (segment < graph.segments.size() && graph.segments[segment].first_op == i) {
      const auto wait = graph.segments[segment].waits_for;
      fmt::format_to(std::back_inserter(text), "segment {}{}\n", segment,
                     wait ? fmt::format(" (waits for {})", *wait) : "");
      ++segment;
    }
    const Op& op = graph.ops[i];
    const auto out = [&](TensorId id) {
      return id == kNoTensor ? std::string("-") : graph.tensor(id).name;
    };
    fmt::format_to(std::back_inserter(text), "  {} = {}(", out(op.out), op_kind_name(op.kind));
    for (std::size_t k = 0; k < op.in.size(); ++k) {
      fmt::format_to(std::back_inserter(text), "{}{}", k ? ", " : "", out(op.in[k]));
    }
    text += ")\n";
  }
  return text;
}

}  // namespace mneme
