// SPDX-License-Identifier: Apache-2.0
#include "engram/table_store_merge.h"

#include <algorithm>
#include <tuple>

#include "engram/row_reader.h"
#include "inference/base/check.h"

namespace mneme {

void merge_reads(std::vector<WantedRow>& rows, std::span<const std::uint32_t> row_bytes,
                 std::vector<MergedRead>& out) {
  std::sort(rows.begin(), rows.end(), [](const WantedRow& a, const WantedRow& b) {
    return std::tie(a.layer, a.offset) < std::tie(b.layer, b.offset);
  });
  out.clear();
  for (std::size_t i = 0; i < rows.size(); ++i) {
    const WantedRow& row = rows[i];
    CHECK(row.layer < row_bytes.size());
    const std::uint64_t end = row.offset + row_bytes[row.layer];
    if (!out.empty()) {
      MergedRead& last = out.back();
      if (last.layer == row.layer && row.offset <= last.offset + last.size + kMergeGapMax &&
          end - last.offset <= kReadBytesMax) {
        last.size = static_cast<std::uint32_t>(end - last.offset);
        ++last.count;
        continue;
      }
    }
    out.push_back({row.layer, row_bytes[row.layer], row.offset, i, 1});
  }
}

}  // namespace mneme
