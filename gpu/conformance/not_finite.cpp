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

}  // namespace

std::vector<NotFiniteCheck::Places> NotFiniteCheck::places_of(const OpHarness& harness,
                                                              const std::vector<Op>& ops,
                                                              bool fast) {
  std::vector<Places> all;
  for (const Expected& expected : expected_of(harness, ops, fast)) {
    Places& places = all.emplace_back(Places{expected.tensor});
    const auto first = static_cast<std::size_t>(expected.first_row * harness.cols(expected.tensor));
    for (std::size_t i = 0; i < expected.values.size(); ++i) {
      if (!std::isfinite(expected.values[i])) places.not_finite.push_back(first + i);
    }
  }
  return all;
}

void NotFiniteCheck::run_case(const OpCase& c, Backend& backend, NumericMode mode,
                              NotFinite& result) {
  OpHarness harness = c.harness(backend);
  const std::vector<Op> ops = c.ops(harness);
  for (const TensorId given : given_tensors(harness, ops)) {
    for (const float value : values_) {
      const std::string what = fmt::format("{} with {} in tensor {}", c.name, value, given);
      harness.restore();
      harness.break_value(given, value);
      const bool fast = mode == NumericMode::fast;
      const auto [known, unknown] = known_.try_emplace(what + (fast ? ", fast" : ", exact"));
      if (unknown) known->second = places_of(harness, ops, fast);
      Status status = harness.run(ops, mode);
      for (const Places& places : known->second) {
        if (!status) break;
        const std::vector<double> got = harness.values(places.tensor);
        const auto finite = std::ranges::find_if(
            places.not_finite, [&](std::size_t i) { return std::isfinite(got[i]); });
        result.reached += static_cast<std::size_t>(finite - places.not_finite.begin());
        if (finite == places.not_finite.end()) continue;
        const auto cols = static_cast<std::size_t>(harness.cols(places.tensor));
        result.failures.push_back(fmt::format("{}: tensor {} row {} col {} is {}", what,
                                              places.tensor, *finite / cols, *finite % cols,
                                              got[*finite]));
      }
      if (status) status = harness.memory();
      if (!status) result.failures.push_back(what + ": " + status.error().message);
    }
  }
}

NotFinite NotFiniteCheck::run(Backend& backend, NumericMode mode) {
  NotFinite result;
  for (const OpCase& c : conformance_cases()) {
    if (!c.large) run_case(c, backend, mode, result);
  }
  return result;
}

}  // namespace mneme
