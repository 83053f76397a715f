// SPDX-License-Identifier: Apache-2.0
// The computation as data: a flat list of ops over tensors, cut into segments. A backend runs it,
// tests compare it, the window draws a copy of it. Built by GraphBuilder, immutable afterwards.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "gpu/backend_buffer.h"
#include "gpu/op.h"
#include "gpu/tensor.h"

namespace mneme {

enum class TensorRole : std::uint8_t {
  constant,    // a weight; bound to a buffer, never written
  state,       // lives across steps; bound. Row = position (keys, values, convolution inputs), of
               //   each sequence in turn, but of table_decode's cached rows: row = entry
  input,       // written by the host before a step (table rows); bound to host-visible memory
  output,      // read by the host after a step (logits, gates, writes); bound, host-visible
  activation,  // lives inside a step; the plan finds memory for it
};

struct Tensor {
  std::string name;  // as in the paper and in GGUF: "blk.0.attn_q", "blk.1.engram_gates"
  DType dtype = DType::f32;
  // Constants: rows. States: rows of one sequence. Inputs: 0 = one row a token, else the most
  // n-grams there is room for, one row each (StepParams::ngrams). Others: ignored, one row a token.
  std::int64_t rows = 0;
  std::int64_t cols = 0;
  TensorRole role = TensorRole::activation;
  const Buffer* buffer = nullptr;  // all roles but activation
  std::size_t offset = 0;          // bytes into `buffer`
  std::int64_t depth = 1;          // of a constant: matrices of [rows, cols], one behind the other
};

// What the host waits for before it lets a segment run: rows of a table, or whatever else arrives
// while earlier segments compute. Graphs and backends do not know what it is.
using WaitId = std::int32_t;

// A run of ops between two waits. What `waits_for` names is in the segment's inputs before it runs.
struct Segment {
  std::size_t first_op = 0;
  std::size_t end_op = 0;
  std::optional<WaitId> waits_for;
};

struct Graph {
  std::vector<Tensor> tensors;
  std::vector<Op> ops;
  std::vector<Segment> segments;

  const Tensor& tensor(TensorId id) const { return tensors[id]; }
};

// Appends tensors and ops in the order they run. A segment is opened by begin_segment().
class GraphBuilder {
 public:
  TensorId constant(std::string name, DType dtype, std::int64_t rows, std::int64_t cols,
                    const Buffer& buffer, std::size_t offset = 0, std::int64_t depth = 1);
  TensorId state(std::string name, DType dtype, std::int64_t rows, std::int64_t cols,
                 const Buffer& buffer, std::size_t offset = 0);
  // `ngrams_max`: Tensor::rows of an input with one row an n-gram; else 0.
  TensorId input(std::string name, DType dtype, std::int64_t cols, const Buffer& buffer,
                 std::int64_t ngrams_max = 0);
  TensorId output(std::string name, std::int64_t cols, const Buffer& buffer);
  TensorId activation(std::string name, std::int64_t cols);
  TensorId ids(std::string name, std::int64_t cols);  // an activation of i32
  // A constant or a state without memory: such a graph tells its shapes, and does not run.
  TensorId unbound(std::string name, TensorRole role, DType dtype, std::int64_t rows,
                   std::int64_t cols, std::int64_t depth = 1);
  // An activation that the host reads after a step, from `buffer`, under that name.
  void make_output(TensorId activation, std::string name, const Buffer& buffer);
  std::int64_t cols(TensorId id) const { return graph_.tensor(id).cols; }

  void begin_segment(std::optional<WaitId> waits_for);
  void op(Op op);

  Graph finish() &&;  // CHECKs that every op's tensors exist and its shapes agree

 private:
  TensorId add_tensor(Tensor tensor);
  Graph graph_;
};

std::string to_text(const Graph& graph);  // one line an op, for logs and tests

}  // namespace mneme
