// SPDX-License-Identifier: Apache-2.0
// A report that ends with goals and whether what was measured meets them.
#pragma once

#include <string>
#include <utility>
#include <vector>

#include "app/cli/report.h"

namespace mneme::bench {

// One goal of the product, against what was measured. engram/bench/README.md lists the ids.
struct Goal {
  std::string id;
  std::string text;
  std::string measured;
  bool met;
};

class GoalReport : public cli::Report {
 public:
  using Report::Report;
  void goal(Goal goal) { goals_.push_back(std::move(goal)); }
  void finish();

 private:
  std::vector<Goal> goals_;
};

}  // namespace mneme::bench
