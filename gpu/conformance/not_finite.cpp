// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/not_finite.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <utility>
#include <vector>

#include "gpu/conformance/op_formulas.h"

namespace mneme {
namespace {

std::vector<TensorId> given_tensors(const OpHarness& harness, const std::vector<Op>& ops) {
  std::vector<TensorId> given;
  for (const Op& op : ops) {
    for (const TensorId id : op.in) {
      if (harness.can_break(id) && std::ranges::find(given, id) == given.end()) given.push_back(id);
    }
  }
  return given;
}

void compare(const OpHarness& harness, const Expected& expected, const std::string& what,
             NotFinite& result) {
  const std::vector<double> got = harness.values(expected.tensor);
  const std::int64_t cols = harness.cols(expected.tensor);
  const auto first = static_cast<std::size_t>(expected.first_row * cols);
  bool told = false;
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    if (std::isfinite(expected.values[i])) continue;
    if (!std::isfinite(got[first + i])) {
      ++result.reached;
    } else if (!std::exchange(told, true)) {
      result.failures.push_back(fmt::format(
          "{}: tensor {} row {} col {} is {} instead of {}", what, expected.tensor,
          static_cast<std::int64_t>(i) / cols, static_cast<std::int64_t>(i) % cols, got[first + i],
          expected.values[i]));
    }
  }
}

// With the given tensor of this number; false if there is none.
bool check_case(Backend& backend, const OpCase& c, NumericMode mode, float value, std::size_t number,
                NotFinite& result) {
  OpHarness harness(backend, c.tokens, c.outputs, c.position, false);
  std::vector<Op> ops = c.build(harness).ops;
  for (Op& op : ops) op.outputs_only = c.outputs > 0;
  const std::vector<TensorId> given = given_tensors(harness, ops);
  if (number >= given.size()) return false;
  harness.break_value(given[number], value);
  const std::string what = fmt::format("{} with {} in tensor {}", c.name, value, given[number]);
  const std::vector<Expected> all = expected_of(harness, ops, mode == NumericMode::fast);
  Status status = harness.run(ops, mode);
  if (status) {
    for (const Expected& expected : all) compare(harness, expected, what, result);
    status = harness.memory();
  }
  if (!status) result.failures.push_back(what + ": " + status.error().message);
  return true;
}

}  // namespace

NotFinite check_not_finite(Backend& backend, NumericMode mode, float value) {
  NotFinite result;
  for (const OpCase& c : conformance_cases()) {
    for (std::size_t n = 0; !c.large && check_case(backend, c, mode, value, n, result); ++n) {
    }
  }
  return result;
}

}  // namespace mneme
