// SPDX-License-Identifier: Apache-2.0
#include <map>
#include <span>
#include <utility>

#include "gpu/conformance/op_cases.h"

namespace mneme {

OpHarness OpCase::harness(Backend& backend) const {
  const SequenceRun one{tokens, position, 0};
  return OpHarness(backend, runs.empty() ? std::span(&one, 1) : std::span(runs), outputs, large);
}

std::vector<Op> OpCase::ops(OpHarness& harness) const {
  std::vector<Op> all = build(harness).ops;
  if (outputs == 0 || all.front().kind == OpKind::output_rows) return all;
  std::vector<Op> takes;
  std::map<TensorId, TensorId> taken;
  for (Op& op : all) {
    for (TensorId& id : op.in) {
      if (harness.role(id) != TensorRole::input) continue;
      const auto [known, is_new] = taken.try_emplace(id, kNoTensor);
      if (is_new) {
        Op take{OpKind::output_rows};
        take.in = {id};
        take.out = known->second = harness.activation(harness.cols(id));
        takes.push_back(std::move(take));
      }
      id = known->second;
    }
  }
  all.insert(all.begin(), takes.begin(), takes.end());
  return all;
}

}  // namespace mneme
