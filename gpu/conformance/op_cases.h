// SPDX-License-Identifier: Apache-2.0
// The conformance table: every op x element type x shape that a backend must be able to do. Tests
// run it on each backend, `mneme-cli bench ops` also times it.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <utility>
#include <vector>

#include "gpu/backend.h"
#include "gpu/conformance/op_harness.h"
#include "gpu/op.h"

namespace mneme {

// What a row runs: mostly one op, else several that a backend may make in one launch.
struct OpChain {
  std::vector<Op> ops;
  OpChain(Op op) : ops{std::move(op)} {}
  OpChain(Op first, Op second) : ops{std::move(first), std::move(second)} {}
  OpChain(std::vector<Op> all) : ops(std::move(all)) {}
};

struct OpCase {
  std::string name;  // "matmul_Q4_1_1x576x67": op, element type, tokens x in x out
  std::int64_t tokens = 1;
  std::int64_t position = 0;
  std::int64_t outputs = 0;  // above 0: the ops run on the rows of so many output tokens
  std::function<OpChain(OpHarness&)> build;
  bool large = false;  // a shape of a real model: worth timing, too slow for every build's tests
  std::vector<SequenceRun> runs = {};  // of several sequences; else one has all tokens

  OpHarness harness(Backend& backend) const;
  std::vector<Op> ops(OpHarness& harness) const;
};

std::vector<OpCase> conformance_cases();

}  // namespace mneme
