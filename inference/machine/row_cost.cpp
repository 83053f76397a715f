// SPDX-License-Identifier: Apache-2.0
#include "inference/machine/row_cost.h"

#include <algorithm>

namespace mneme {
namespace {

// n-gram orders x heads x layers: 2- to 4-grams, 8 heads, layers 1 and 14; 2- and 3-grams, 8 heads,
// layer 1. From the models' published configurations.
constexpr std::uint32_t kRowsDeepSeek = 3 * 8 * 2;
constexpr std::uint32_t kRowsQwen = 2 * 8 * 1;

// All rows of a token are asked for at once, and the last of them ends no sooner than one read.
RowCost cost(std::string_view model, std::uint32_t rows, const DriveSpeed& drive) {
  RowCost cost{model, rows, 0};
  if (drive.small_reads_per_second > 0) {
    cost.ms_per_token =
        std::max(1e3 * rows / drive.small_reads_per_second, drive.small_read_us / 1e3);
  }
  return cost;
}

}  // namespace

std::vector<RowCost> row_costs(const DriveSpeed& drive) {
  return {cost("Qwen3.8-Flash-Next", kRowsQwen, drive),
          cost("DeepSeek-V4.1-Flash", kRowsDeepSeek, drive)};
}

}  // namespace mneme
