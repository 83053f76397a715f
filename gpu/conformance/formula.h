// SPDX-License-Identifier: Apache-2.0
// What the formulas of ops are written with: inputs and outputs as doubles, each with how far a
// backend may be off.
#pragma once

#include <algorithm>
#include <cmath>
#include <cstdint>
#include <vector>

#include "gpu/conformance/op_harness.h"
#include "gpu/op.h"

namespace mneme {

constexpr double kEps = 0x1p-24;  // half a unit in the last place of a float near 1

using Values = std::vector<double>;

struct Rows {
  TensorId tensor;
  Values values;
  Values tolerances;
  void add(double value, double tolerance) {
    values.push_back(value);
    tolerances.push_back(tolerance + 1e-30);
  }
};

// An op with the values and error bounds of its inputs: from the tensors that were given, or from
// the formulas of the ops before it.
struct View {
  const OpHarness& h;
  const Op& op;
  const std::vector<Rows>& made;  // activations, by the ops before
  std::int64_t row_count;         // of what the op writes
  Values in(std::size_t i) const {
    const Rows* rows = made_rows(op.in[i]);
    return rows != nullptr ? rows->values : h.values(op.in[i]);
  }
  // How far the values of input i may be off.
  Values errors(std::size_t i) const {
    const Rows* rows = made_rows(op.in[i]);
    return rows != nullptr ? rows->tolerances : Values(h.values(op.in[i]).size(), 0.0);
  }
  std::int64_t cols(TensorId id) const { return h.cols(id); }

 private:
  const Rows* made_rows(TensorId id) const {
    const auto found = std::find_if(made.rbegin(), made.rend(),
                                    [&](const Rows& rows) { return rows.tensor == id; });
    return found == made.rend() ? nullptr : &*found;
  }
};

// Adds the product of n values with a row of a weight to `out`, for a sum that begins with `bias`.
// `x_errors`: how far the values may be off; `integer_activations`: they are rounded to 8 bits.
void add_product(Rows& out, const double* x, const double* x_errors, const double* w,
                 std::int64_t n, double bias, bool integer_activations);

// expert_formulas.cpp
std::vector<Rows> route(const View& v);
Rows matmul_experts(const View& v, bool integer_activations);
Rows weighted_sum(const View& v);

}  // namespace mneme
