// SPDX-License-Identifier: Apache-2.0
#include "tests/bench/report.h"

namespace mneme::bench {

void GoalReport::finish() {
  if (!goals_.empty()) line("\ngoals");
  for (const Goal& goal : goals_) {
    line("  {:<3} {:<6} {}: {}", goal.id, goal.met ? "met" : "missed", goal.text, goal.measured);
    json["goals"].push_back(
        {{"id", goal.id}, {"goal", goal.text}, {"measured", goal.measured}, {"met", goal.met}});
  }
  Report::finish();
}

}  // namespace mneme::bench
