// SPDX-License-Identifier: Apache-2.0
// What the bench commands print: lines for a person or one JSON object for a machine, and at the
// end the goals with what was measured.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "app/cli/streams.h"
#include "engram/bench/paired.h"
#include "inference/base/printable.h"

namespace mneme::cli {

// One goal of the product, against what was measured.
struct Goal {
  std::string id;
  std::string text;
  std::string measured;
  bool met;
};

class BenchReport {
 public:
  explicit BenchReport(bool as_json) : as_json_(as_json) {}

  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) const {
    if (as_json_) return;
    print_out("{}\n",
              escape_controls(fmt::format(format, std::forward<Args>(args)...), LineBreaks::keep));
    flush_out();
  }
  void goal(Goal goal) { goals_.push_back(std::move(goal)); }
  void finish();

  nlohmann::ordered_json json;

 private:
  const bool as_json_;
  std::vector<Goal> goals_;
};

// " 1.12 [1.10, 1.15]"
std::string interval(const PairedRatio& ratio);

}  // namespace mneme::cli
