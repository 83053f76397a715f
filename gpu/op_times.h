// SPDX-License-Identifier: Apache-2.0
// Time per op since timing was switched on, as every plan keeps it for Backend::times().
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "gpu/backend.h"

namespace mneme {

class OpTimes {
 public:
  void begin(std::size_t ops);
  void clear() { begin(us_.size()); }
  void add(std::size_t op, double microseconds) { us_[op] += microseconds; }
  void count_run(std::size_t op) { ++runs_[op]; }
  std::vector<OpTime> means() const;  // of ops that ran

 private:
  std::vector<double> us_;          // [ops], sum
  std::vector<std::int64_t> runs_;  // [ops]
};

}  // namespace mneme
