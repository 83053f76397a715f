// SPDX-License-Identifier: Apache-2.0
// Writes the rows of NumberedTables once more, in each layout that tables come in.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "engram/table_source.h"
#include "tests/support/numbered_tables.h"
#include "tests/support/temporary_folder.h"

namespace mneme {

enum class TableLayout {
  plain,   // one tensor of one file
  parts,   // the last bytes of each row in a tensor of their own, in another file
  shards,  // cut into three tensors, in two files
  both,    // parts, each in shards
  pages,   // rows in pages, each with its checksum
};
constexpr TableLayout kTableLayouts[] = {TableLayout::plain, TableLayout::parts,
                                         TableLayout::shards, TableLayout::both,
                                         TableLayout::pages};
std::string layout_name(TableLayout layout);

// The files are in `folder`; nothing in them is aligned, but pages to themselves.
std::vector<TableSource> lay_out(const NumberedTables& tables, TableLayout layout,
                                 const TemporaryFolder& folder);

}  // namespace mneme
