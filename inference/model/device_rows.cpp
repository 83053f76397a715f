// SPDX-License-Identifier: Apache-2.0
#include "inference/model/device_rows.h"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "gpu/op.h"

namespace mneme {

std::int64_t ngram_bytes(const PackHeader& pack) {
  return std::int64_t{pack.hash.head_count} * pack.row_bytes();
}

Result<std::unique_ptr<DeviceRows>> DeviceRows::create(const PackHeader& pack, std::uint64_t bytes,
                                                       Backend& backend) {
  const auto layer_bytes = static_cast<std::uint64_t>(cached_entry_bytes(ngram_bytes(pack)));
  const std::uint64_t entry_bytes = layer_bytes * pack.hash.layers.size();
  if (bytes < entry_bytes) {
    return Error{ErrorCode::invalid,
                 fmt::format("{} bytes on the device (--device-rows) have no room for the rows of "
                             "one n-gram: {} has {} bytes of each",
                             bytes, pack.name, entry_bytes)};
  }
  const auto entries = static_cast<std::uint32_t>(
      std::min<std::uint64_t>(bytes / entry_bytes, DeviceRowCachePolicy::kEntriesMax));
  std::unique_ptr<DeviceRows> rows(new DeviceRows(entries, bytes, entry_bytes));
  for (std::size_t layer = 0; layer < pack.hash.layers.size(); ++layer) {
    auto buffer = backend.alloc(entries * layer_bytes, MemoryKind::device);
    if (!buffer) {
      return buffer.error().with(
          fmt::format("making room for {:.1f} MB of memory rows (--device-rows)",
                      static_cast<double>(bytes) / 1e6));
    }
    rows->rows_.push_back(std::move(*buffer));
  }
  return rows;
}

DeviceTierStats DeviceRows::stats() const {
  const DeviceRowCachePolicy::Stats stats_of_policy = policy_.stats();
  DeviceTierStats stats;
  stats.entries = stats_of_policy.entries;
  stats.bytes = stats_of_policy.entries * entry_bytes_;
  stats.room = bytes_;
  stats.evictions = stats_of_policy.evictions;
  return stats;
}

}  // namespace mneme
