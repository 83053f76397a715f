// SPDX-License-Identifier: Apache-2.0
// What a benchmark prints: lines for a person, or one JSON object for a machine.
#pragma once

#include <fmt/format.h>

#include <nlohmann/json.hpp>
#include <string>
#include <utility>

#include "app/cli/streams.h"
#include "base/printable.h"
#include "engram/bench/paired.h"

namespace mneme::cli {

class Report {
 public:
  explicit Report(bool as_json) : as_json_(as_json) {}

  template <typename... Args>
  void line(fmt::format_string<Args...> format, Args&&... args) const {
    if (as_json_) return;
    print_out("{}\n",
              escape_controls(fmt::format(format, std::forward<Args>(args)...), LineBreaks::keep));
    flush_out();
  }
  // Prints the object where JSON is asked for.
  void finish();

  nlohmann::ordered_json json;

 private:
  const bool as_json_;
};

// Measures into a report and prints its end, or the error's sentence. Returns the exit code.
template <typename Kind = Report, typename Measure>
int run_report(bool as_json, const Measure& measure) {
  Kind report(as_json);
  const Status status = measure(report);
  if (!status) {
    show_progress("");
    return fail(status.error());
  }
  report.finish();
  return kDone;
}

// " 1.12 [1.10, 1.15]"
std::string interval(const PairedRatio& ratio);

}  // namespace mneme::cli
