// SPDX-License-Identifier: Apache-2.0
#include "gpu/op_times.h"

namespace mneme {

void OpTimes::begin(std::size_t ops) {
  us_.assign(ops, 0.0);
  runs_.assign(ops, 0);
}

std::vector<OpTime> OpTimes::means() const {
  std::vector<OpTime> means;
  for (std::size_t i = 0; i < runs_.size(); ++i) {
    if (runs_[i] > 0) means.push_back(OpTime{i, us_[i] / static_cast<double>(runs_[i])});
  }
  return means;
}

}  // namespace mneme
