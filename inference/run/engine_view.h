// SPDX-License-Identifier: Apache-2.0
// What an engine shares with those who only look: what never changes of its model, its counters,
// and the rows that it has in RAM. May be held for as long as anyone likes: it keeps neither the
// weights nor the rows, and after the engine's end there are no counters and no rows. Any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <shared_mutex>
#include <span>

#include "base/ids.h"
#include "engram/ngram_hasher.h"
#include "engram/table_map.h"
#include "engram/tier_stats.h"
#include "inference/text/tokenizer.h"
#include "inference/trace/model_layout.h"

namespace mneme {

class DeviceRows;
class TableStore;

class EngineView {
 public:
  // ---- never changes ----
  const ModelLayout& layout() const { return facts_.layout; }
  const Tokenizer& tokenizer() const { return *facts_.tokenizer; }
  const NgramHasher* hasher() const { return facts_.hasher.get(); }  // null without a memory pack
  std::uint64_t row_file_offset(std::size_t layer_slot, RowId row) const;  // bytes into the pack

  // ---- waits for nobody ----
  TierStats tiers() const;  // zeros without a pack

  // ---- takes the row cache's lock, a step at a time: not for a thread that must not wait ----
  // True if the rows of the n-gram are in RAM now.
  bool in_ram(const NgramKey& key) const;
  // These as TableStore's. What is dropped leaves the device too, before its next step.
  NgramSlice list_ram(std::uint64_t first, std::span<NgramKey> out) const;
  std::uint64_t keep_most_used(std::uint64_t bytes);
  std::uint64_t drop_ram();
  void set_ram_budget(std::uint64_t bytes);

  // ---- the engine's ----
  struct Facts {
    ModelLayout layout;
    std::shared_ptr<const Tokenizer> tokenizer;
    std::shared_ptr<const NgramHasher> hasher;
    std::optional<TableMap> map;
  };
  // What is mutable may be null, and lives until end().
  EngineView(Facts facts, TableStore* tables, DeviceRows* device_rows,
             std::string why_no_device_rows);
  // Waits for the calls that run; those that come later find nothing.
  void end();

 private:
  const Facts facts_;
  const std::string why_no_device_rows_;
  mutable std::shared_mutex mutex_;  // shared by calls, alone for end()
  TableStore* tables_;
  DeviceRows* device_rows_;
};

}  // namespace mneme
