// SPDX-License-Identifier: Apache-2.0
#include "app/cli/bench_report.h"

#include <unistd.h>

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
  if (as_json_) fmt::print("{}\n", json.dump(-1, ' ', false, Json::error_handler_t::replace));
}

std::string interval(const PairedRatio& ratio) {
  return fmt::format("{:5.2f} [{:.2f}, {:.2f}]", ratio.ratio, ratio.low, ratio.high);
}

void show_progress(std::string_view text) {
  if (::isatty(STDERR_FILENO) != 0) fmt::print(stderr, "\r\033[K{}", text);
}

}  // namespace mneme::cli
