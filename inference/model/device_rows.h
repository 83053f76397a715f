// SPDX-License-Identifier: Apache-2.0
// The n-grams whose rows a device caches in its own memory, so that they cross no bus: which ones
// (DeviceRowCachePolicy), and for each Engram layer the memory that table_decode writes and reads.
// The cached rows depend on the pack alone, so all sessions of a model share it. Engine thread, but
// for stats() and clear().
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "base/result.h"
#include "engram/device_row_cache_policy.h"
#include "engram/tier_stats.h"
#include "gpu/backend.h"
#include "inference/tables/memory_pack.h"

namespace mneme {

class DeviceRows {
 public:
  // As many n-grams as `bytes` hold with their rows of all Engram layers; `backend` runs all of
  // these and outlives the rows. Errors: invalid (less than one n-gram), out_of_memory, device.
  static Result<std::unique_ptr<DeviceRows>> create(const PackHeader& pack, std::uint64_t bytes,
                                                    Backend& backend);

  DeviceRowCachePolicy& policy() { return policy_; }
  std::uint32_t entries() const { return entries_; }
  const Buffer& rows(std::size_t layer_slot) const { return rows_[layer_slot]; }

  void clear() { policy_.clear(); }
  DeviceTierStats stats() const;

 private:
  DeviceRows(std::uint32_t entries, std::uint64_t bytes, std::uint64_t entry_bytes)
      : policy_(entries), entries_(entries), bytes_(bytes), entry_bytes_(entry_bytes) {}

  DeviceRowCachePolicy policy_;
  const std::uint32_t entries_;
  const std::uint64_t bytes_;        // of the budget
  const std::uint64_t entry_bytes_;  // of an n-gram, all layers
  std::vector<Buffer> rows_;         // [layers], i8 [entries, cached_entry_bytes()]
};

// Bytes of an n-gram's rows in one Engram layer, as they lie in the tables.
std::int64_t ngram_bytes(const PackHeader& pack);

}  // namespace mneme
