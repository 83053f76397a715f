// SPDX-License-Identifier: Apache-2.0
#include "gpu/conformance/run_case.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstring>
#include <set>
#include <vector>

#include "gpu/conformance/op_formulas.h"
#include "gpu/op_table.h"

namespace mneme {
namespace {

// Compares what an op wrote with what it should have; keeps the worst and the first failure.
void compare(const OpHarness& harness, const Expected& expected, OpOutcome& outcome) {
  const std::vector<double> got = harness.values(expected.tensor);
  const std::int64_t cols = harness.cols(expected.tensor);
  const auto first = static_cast<std::size_t>(expected.first_row * cols);
  CHECK(first + expected.values.size() <= got.size());
  for (std::size_t i = 0; i < expected.values.size(); ++i) {
    const double want = expected.values[i];
    const double have = got[first + i];
    bool good = false;
    if (std::isnan(want) || std::isinf(want)) {
      good = std::isnan(want) ? std::isnan(have) : have == want;
    } else {
      good = std::fabs(have - want) <= expected.tolerances[i];
      outcome.worst = std::max(outcome.worst, std::fabs(have - want) / expected.tolerances[i]);
    }
    if (good || !outcome.failure.empty()) continue;
    outcome.failure =
        fmt::format("tensor {} row {} col {}: {} instead of {} (at most {} apart)", expected.tensor,
                    static_cast<std::int64_t>(i) / cols, static_cast<std::int64_t>(i) % cols, have,
                    want, expected.tolerances[i]);
  }
}

// N-grams that table_decode reads from the step's rows (`id` is its first input), or reads and
// writes in the cached entries.
double ngrams_of(const OpHarness& h, const Op& op, TensorId id) {
  const std::vector<std::byte> index = h.bytes(op.in[1]);
  double count = 0;
  for (std::size_t at = 0; at < index.size(); at += sizeof(RowLocation)) {
    RowLocation location;
    std::memcpy(&location, index.data() + at, sizeof location);
    const bool brought = location.from >= 0;
    count += brought == (id == op.in[0]) ? 1 : 0;
    count += id == op.in[2] && location.keep >= 0 ? 1 : 0;
  }
  return count;
}

double bytes_of(const OpHarness& h, const Op& op, TensorId id) {
  const auto row = static_cast<double>(row_bytes(h.dtype(id), h.cols(id)));
  const double tokens = static_cast<double>(h.outputs() > 0 ? h.outputs() : h.tokens());
  const bool table = op.kind == OpKind::embed && h.role(id) == TensorRole::constant;
  const bool appended = op.kind == OpKind::kv_append && h.role(id) == TensorRole::state;
  if (table || appended) return tokens * row;
  if (op.kind == OpKind::short_conv && h.role(id) == TensorRole::state) {
    // Its own rows, and before them as many as its taps see.
    const std::int64_t apart = std::min<std::int64_t>(h.tokens(), op.params.short_conv.dilation);
    const std::int64_t seen = std::min(h.position_of(0), (h.cols(op.in[3]) - 1) * apart);
    return (tokens + static_cast<double>(seen)) * row;
  }
  if (op.kind == OpKind::table_decode && op.in.size() > 1 && id != op.in[1] && id != op.out) {
    return row * ngrams_of(h, op, id);
  }
  const bool per_token = h.role(id) == TensorRole::input || h.role(id) == TensorRole::output;
  return row * (per_token ? tokens : static_cast<double>(h.rows(id)));
}

double flops_of(const OpHarness& h, const Op& op) {
  const double tokens = static_cast<double>(h.outputs() > 0 ? h.outputs() : h.tokens());
  const double values = op.out == kNoTensor ? 0 : tokens * static_cast<double>(h.cols(op.out));
  switch (op.kind) {
    case OpKind::matmul:
    case OpKind::matmul_experts:
      return 2 * values * static_cast<double>(h.cols(op.in[1]));
    case OpKind::attention: {  // of a token: 4 for each value of each head at each position
      const double first = static_cast<double>(h.context()) - tokens + 1;
      const double last = static_cast<double>(h.context());
      return 4 * values * (first + last) / 2;
    }
    case OpKind::short_conv:
      return (10 + 2 * static_cast<double>(h.cols(op.in[3]))) * values;
    case OpKind::weighted_sum:
      return 2 * values * static_cast<double>(h.cols(op.in[1]));
    default:
      return op_info(op.kind).flops * values;
  }
}

}  // namespace

OpOutcome run_case(Backend& backend, const OpCase& c, NumericMode mode, int times) {
  OpOutcome outcome;
  OpHarness harness = c.harness(backend);
  const std::vector<Op> ops = c.ops(harness);
  const std::vector<Expected> all = expected_of(harness, ops, mode == NumericMode::fast);
  if (const Status status = harness.run(ops, mode); !status) {
    outcome.failure = status.error().message;
    return outcome;
  }
  for (const Expected& expected : all) compare(harness, expected, outcome);
  std::set<TensorId> counted{kNoTensor};
  for (const Op& op : ops) {
    std::vector<TensorId> ids = op.in;
    ids.insert(ids.end(), {op.out, op.out2});
    for (const TensorId id : ids) {
      if (counted.insert(id).second) outcome.bytes += bytes_of(harness, op, id);
    }
    outcome.flops += flops_of(harness, op);
  }
  if (!harness.memory()) {
    outcome.failure = harness.memory().error().message;
    return outcome;
  }
  if (times == 0) return outcome;
  const auto microseconds = harness.microseconds(times);
  if (microseconds) {
    outcome.microseconds = *microseconds;
  } else if (outcome.failure.empty()) {
    outcome.failure = microseconds.error().message;
  }
  return outcome;
}

}  // namespace mneme
