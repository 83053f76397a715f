// SPDX-License-Identifier: Apache-2.0
// A NaN or an infinity in a weight, a scale, a state or an activation reaches everything that is computed
// from it: only so can a step see in its logits that something was broken, and end the answer.
#pragma once

#include <cstddef>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "gpu/conformance/op_cases.h"

namespace mneme {

struct NotFinite {
  std::vector<std::string> failures;  // values that are finite where the formula's is not
  std::size_t reached = 0;            // how many values were not finite, as they should be
};

// Runs each small row of the conformance table once for each of its given tensors and each of `values`, which
// replaces one value of the tensor (of quantised weights: one scale). Rows of tables and indices are left alone:
// their codes have no infinities, and their NaN is a row of the table. What the formulas say is computed once for
// all backends that one object checks, since it costs more than the kernels.
class NotFiniteCheck {
 public:
  explicit NotFiniteCheck(std::vector<float> values) : values_(std::move(values)) {}
  NotFinite run(Backend& backend, NumericMode mode);

 private:
  struct Places {  // of one tensor that the ops write
    TensorId tensor = kNoTensor;
    std::vector<std::size_t> not_finite{};  // where the formula's value is not
  };

  static std::vector<Places> places_of(const OpHarness& harness, const std::vector<Op>& ops,
                                       bool fast);
  void run_case(const OpCase& c, Backend& backend, NumericMode mode, NotFinite& result);

  std::vector<float> values_;
  std::map<std::string, std::vector<Places>> known_;
};

}  // namespace mneme
