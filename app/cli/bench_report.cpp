// SPDX-License-Identifier: Apache-2.0
#include "app/cli/bench_report.h"

#include "app/cli/result_json.h"

namespace mneme::cli {

void BenchReport::finish() {
  using Json = nlohmann::ordered_json;
  Json list = Json::array();
  if (!goals_.empty()) line("\ngoals");
  for (const Goal& goal : goals_) {
    line("  {:<3} {:<6} {}: {}", goal.id, goal.met ? "met" : "missed", goal.text, goal.measured);
    list.push_back(
        {{"id", goal.id}, {"goal", goal.text}, {"measured", goal.measured}, {"met", goal.met}});
  }
  json["goals"] = list;
  if (as_json_) print_out("{}\n", json_text(json));
}

std::string interval(const PairedRatio& ratio) {
  return fmt::format("{:5.2f} [{:.2f}, {:.2f}]", ratio.ratio, ratio.low, ratio.high);
}

}  // namespace mneme::cli
