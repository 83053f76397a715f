// SPDX-License-Identifier: Apache-2.0
// What the n-gram tables of published models cost a token where every row comes from the drive.
#pragma once

#include <cstdint>
#include <string_view>
#include <vector>

#include "inference/machine/drive_speed.h"

namespace mneme {

struct RowCost {
  std::string_view model;            // "DeepSeek-V4.1-Flash"
  std::uint32_t rows_per_token = 0;  // of all its layers; each is one read from a memory pack
  double ms_per_token = 0;           // with nothing cached, if nothing hid it behind computing
};

// An estimate from the drive's small reads. Tables of one model cost the same whatever their size.
std::vector<RowCost> row_costs(const DriveSpeed& drive);

}  // namespace mneme
