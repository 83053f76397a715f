// SPDX-License-Identifier: Apache-2.0
#include "engram/table_store_merge.h"

#include <algorithm>
#include <tuple>

#include "engram/row_reader.h"

namespace mneme {

void merge_reads(std::vector<WantedRow>& rows, std::vector<MergedRead>& out) {
  std::sort(rows.begin(), rows.end(), [](const WantedRow& a, const WantedRow& b) {
    return std::tie(a.layer, a.range.file, a.range.offset) <
           std::tie(b.layer, b.range.file, b.range.offset);
  });
  out.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const WantedRow& row = rows[i];
    const std::uint64_t end = row.range.offset + row.range.size;
    if (!out.empty()) {
      MergedRead& last = out.back();
      RowRange& range = last.range;
      if (last.layer == row.layer && range.file == row.range.file &&
          row.range.offset <= range.offset + range.size + kMergeGapMax &&
          end - range.offset <= kReadBytesMax) {
        // Parts of one table may differ in size, so that the later one may end first.
        range.size = std::max(range.size, static_cast<std::uint32_t>(end - range.offset));
        ++last.count;
        continue;
      }
    }
    out.push_back({row.layer, row.range, i, 1});
  }
}

}  // namespace mneme
