// SPDX-License-Identifier: Apache-2.0
#include "app/cli/report.h"

#include "app/cli/result_json.h"

namespace mneme::cli {

void Report::finish() {
  if (as_json_) print_out("{}\n", json_text(json));
}

std::string interval(const PairedRatio& ratio) {
  return fmt::format("{:5.2f} [{:.2f}, {:.2f}]", ratio.ratio, ratio.low, ratio.high);
}

}  // namespace mneme::cli
