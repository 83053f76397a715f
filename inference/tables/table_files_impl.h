// SPDX-License-Identifier: Apache-2.0
// Shared by table_files.cpp and its two kinds of files.
#pragma once

#include <string>
#include <vector>

#include "base/result.h"
#include "inference/tables/table_files.h"

namespace mneme {

Result<FoundTables> find_gguf_tables(const std::vector<std::string>& paths);
Result<FoundTables> find_safetensors_tables(const std::vector<std::string>& paths);

// Sorts by layer; an error where there are none or two of one layer.
Status finish_tables(const std::string& where, FoundTables& found);

}  // namespace mneme
