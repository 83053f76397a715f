// SPDX-License-Identifier: Apache-2.0
// Small constants in the form in which kernels take them, whatever the file holds: floats, turned
// where kernels want columns, and the angles of rope ops. Each once, for all ops that use it.
#pragma once

#include <cstddef>
#include <functional>
#include <vector>

#include "base/result.h"
#include "gpu/graph.h"
#include "gpu/plan/rope_table.h"

namespace mneme {

// The values of a constant, [rows, cols]: how a backend reads its own memory.
using ReadFloats = std::function<Result<std::vector<float>>(TensorId)>;

struct FloatCopy {
  TensorId from = kNoTensor;
  bool transposed = false;  // [cols, rows]

  std::int64_t rows(const Graph& graph) const;
  std::int64_t cols(const Graph& graph) const;
  Result<std::vector<float>> values(const Graph& graph, const ReadFloats& read) const;
  bool operator==(const FloatCopy&) const = default;
};

// The inputs that op_table.h calls floats.
class FloatCopies {
 public:
  static FloatCopies find(const Graph& graph);

  static constexpr std::size_t kNone = ~std::size_t{0};
  const std::vector<FloatCopy>& all() const { return all_; }
  // Index into all() of what input `i` of an op is read from; kNone: it is absent or no such input.
  std::size_t of(const Op& op, std::size_t i) const;

 private:
  std::vector<FloatCopy> all_;
};

struct RopeTables {
  std::vector<RopeAngles> all;
  std::vector<std::size_t> of_op;  // [ops]: index into `all`; of other ops 0

  static Result<RopeTables> find(const Graph& graph, const ReadFloats& read);
};

}  // namespace mneme
